import { timingSafeEqual } from 'node:crypto'
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTokenSource } from '../../../../../../lib/http/access/token-source.ts'
import { TokenStore } from '../../../../../../lib/http/access/tokens/token-store.ts'
import { TOKEN_ROLES } from '../../../../../../protocol/messages/token-api.ts'
import { parseToken } from '../../../../../../protocol/token.ts'
import { createManualClock, type ManualClock } from '../../../../../helpers/manual-clock.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../../../helpers/scratch-directory.ts'

const HOUR_MS = 3_600_000
const CLUSTER_KEY = Buffer.alloc(32, 7).toString('base64url')

let scratch: ScratchDirectory
let clock: ManualClock
let store: TokenStore
let compared: [number, number][]

beforeEach(async () => {
  scratch = await createScratchDirectory()
  clock = createManualClock()
  compared = []
  store = await opened()
})

afterEach(() => scratch[Symbol.asyncDispose]())

async function opened(dataDir = join(scratch.path)): Promise<TokenStore> {
  const compare = (one: Buffer, other: Buffer) => {
    compared.push([one.length, other.length])
    return timingSafeEqual(one, other)
  }
  const made = new TokenStore({ clock, compare }, { dataDir, roles: TOKEN_ROLES, clusterKey: CLUSTER_KEY })
  await made.start()
  return made
}

const file = () => join(scratch.path, 'tokens.json')

test('a token is found by what its holder shows, also after a restart', async () => {
  const { token, ...view } = await store.create({ role: 'viewer', comment: 'dashboard' })
  expect(view).toMatchObject({ role: 'viewer', usesLeft: null, comment: 'dashboard' })
  expect(store.find(token)).toEqual(view)
  expect((await opened()).find(token)).toEqual(view)
  expect(store.list()).toEqual([view])
})

test('only its hash is on the disk, in a file for the owner alone', async () => {
  const { token } = await store.create({ role: 'operator' })
  const text = await readFile(file(), 'utf8')
  expect(text).not.toContain(parseToken(token)?.secret)
  expect(JSON.stringify(store.list())).not.toMatch(/sha256|[0-9a-f]{40}/)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
})

test.each(['node', 'viewer'] as const)('a token for the role %s carries the key of the cluster', async role => {
  expect(parseToken((await store.create({ role })).token)?.clusterKey).toBe(CLUSTER_KEY)
})

test.each([
  ['node', undefined, 24],
  ['viewer', undefined, 90 * 24],
  ['operator', undefined, 90 * 24],
  ['viewer', 7_200, 2],
] as const)(
  'a token for the role %s that is asked for with %s is over after %d hours',
  async (role, seconds, hours) => {
    const { token } = await store.create({ role, ...(seconds === undefined ? {} : { expiresInSeconds: seconds }) })
    clock.advance(hours * HOUR_MS - 1)
    expect(store.find(token)).toBeDefined()
    clock.advance(1)
    expect(store.find(token)).toBeUndefined()
  },
)

test('a token never expires only if that was asked for, and those that have are cleared away', async () => {
  const { token } = await store.create({ role: 'viewer', expiresInSeconds: 0 })
  await store.create({ role: 'viewer', expiresInSeconds: 1 })
  clock.advance(10_000 * 24 * HOUR_MS)
  expect(store.find(token)).toMatchObject({ expiresAt: null })
  await store.create({ role: 'viewer' })
  expect(store.list()).toHaveLength(2)
})

test('what is not a token of the store is none, and takes the same work', async () => {
  const { token, id } = await store.create({ role: 'viewer' })
  const [, , secret = ''] = token.split('_')
  const other = secret.startsWith('0') ? `1${secret.slice(1)}` : `0${secret.slice(1)}`
  const texts = [`dmsl_${id}_${other}`, `dmsl_${'0'.repeat(12)}_${secret}`, 'text', '', '__proto__', `${token}x`]
  compared = []
  for (const text of texts) expect(store.find(text)).toBeUndefined()
  expect(store.find(token)).toBeDefined()
  // One comparison of two sha256 each, whatever is shown.
  expect(compared).toEqual(Array.from({ length: texts.length + 1 }, () => [32, 32]))
})

test('a token that is revoked is none at once, and its id is unknown', async () => {
  const { token, id } = await store.create({ role: 'operator' })
  const revoking = store.revoke(id)
  expect(store.find(token)).toBeUndefined()
  await revoking
  expect((await opened()).find(token)).toBeUndefined()
  await expect(store.revoke(id)).rejects.toMatchObject({ code: 'TOKEN_UNKNOWN' })
})

describe('a token for joining', () => {
  test('can be spent so many times, also when all try at once and over a restart', async () => {
    const { token } = await store.create({ role: 'node', uses: 3 })
    const first = await Promise.allSettled(Array.from({ length: 2 }, () => store.spend(token, 'node')))
    expect(first.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled'])
    const again = await opened()
    const rest = await Promise.allSettled(Array.from({ length: 5 }, () => again.spend(token, 'node')))
    expect(rest.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(rest.at(-1)).toMatchObject({ reason: { code: 'UNAUTHORIZED' } })
    expect((await opened()).list()).toMatchObject([{ usesLeft: 0 }])
  })

  test('can be spent once unless it was asked for otherwise, and without end for 0 uses', async () => {
    const once = await store.create({ role: 'node' })
    expect(await store.spend(once.token, 'node')).toMatchObject({ usesLeft: 0 })
    await expect(store.spend(once.token, 'node')).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    const endless = await store.create({ role: 'node', uses: 0 })
    for (let time = 0; time < 5; time++) {
      expect(await store.spend(endless.token, 'node')).toMatchObject({ usesLeft: null })
    }
  })

  test('is of the role that is wanted, and valid', async () => {
    const viewer = await store.create({ role: 'viewer' })
    const late = await store.create({ role: 'node', expiresInSeconds: 1 })
    clock.advance(1_000)
    for (const text of [viewer.token, late.token, 'text', '']) {
      await expect(store.spend(text, 'node')).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    }
  })

  test('is not spent when that cannot be written down', async () => {
    const { token } = await store.create({ role: 'node' })
    await rm(scratch.path, { recursive: true })
    await expect(store.spend(token, 'node')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await mkdir(scratch.path)
    expect(await store.spend(token, 'node')).toMatchObject({ usesLeft: 0 })
  })

  test('proves nobody at the API', async () => {
    const source = createTokenSource(store)
    const identify = (authorization?: string) =>
      source.identify({ headers: { authorization }, ip: '', socket: {} } as Parameters<typeof source.identify>[0])
    const node = await store.create({ role: 'node' })
    const viewer = await store.create({ role: 'viewer' })
    expect(identify(`Bearer ${node.token}`)).toBeUndefined()
    expect(identify(`Bearer ${viewer.token}`)).toEqual({ kind: 'token', id: viewer.id, roles: new Set(['viewer']) })
    expect(identify(`bearer  ${viewer.token}`)).toBeDefined()
    for (const text of [undefined, '', 'Bearer', 'Basic eDp5', `Bearer ${viewer.token} `, 'Bearer undefined']) {
      expect(identify(text)).toBeUndefined()
    }
  })
})

test('a token that cannot be written down is not made, one that cannot be crossed out is revoked all the same', async () => {
  const { token, id } = await store.create({ role: 'viewer' })
  await rm(scratch.path, { recursive: true })
  await expect(store.create({ role: 'viewer' })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(store.list()).toHaveLength(1)
  await expect(store.revoke(id)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(store.find(token)).toBeUndefined()
  await mkdir(scratch.path)
  await store.revoke(id)
  expect(store.list()).toEqual([])
})

test.each([
  [{ role: 'viewer', uses: 1 }, 'only tokens for nodes are used up'],
  [{ role: 'operator', uses: 0 }, 'only tokens for nodes are used up'],
] as const)('%j is refused', async (request, message) => {
  await expect(store.create(request)).rejects.toThrow(message)
})

test('a program makes tokens for its own roles only', async () => {
  const daemons = new TokenStore({ clock }, { dataDir: scratch.path, roles: ['viewer', 'operator'] })
  await expect(daemons.create({ role: 'node' })).rejects.toThrow(
    'tokens of this program are for viewer or operator, not node',
  )
})

test('there are so many tokens and no more', async () => {
  const one = { id: 'a'.repeat(12), role: 'viewer', createdAt: 0, expiresAt: null, usesLeft: null, comment: '' }
  const sha256 = '0'.repeat(64)
  const tokens = Array.from({ length: 1_000 }, (_, index) => ({
    ...one,
    sha256,
    id: index.toString(16).padStart(12, '0'),
  }))
  await writeFile(file(), JSON.stringify({ version: 1, tokens }))
  const full = await opened()
  await expect(full.create({ role: 'viewer' })).rejects.toThrow('there are 1000 tokens; revoke')
  await full.revoke(tokens[0]?.id ?? '')
  await full.create({ role: 'viewer' })
})

describe('a file that is none of tokens keeps the program from starting', () => {
  test.each(['', '{', '[]', '{"version":2,"tokens":[]}', '{"version":1,"tokens":[{"id":"x"}]}'])('%s', async text => {
    await writeFile(file(), text)
    await expect(opened()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(file()) })
  })

  test('a link', async () => {
    await writeFile(join(scratch.path, 'other'), '{"version":1,"tokens":[]}')
    await chmod(join(scratch.path, 'other'), 0o600)
    await symlink('other', file())
    await expect(opened()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
