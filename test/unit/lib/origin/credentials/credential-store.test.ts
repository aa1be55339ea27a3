import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RegistryAccount } from '../../../../../lib/origin/credentials/configured-credentials.ts'
import {
  type CredentialSettings,
  createCredentialStore,
} from '../../../../../lib/origin/credentials/create-credential-store.ts'
import { HelperCredentials } from '../../../../../lib/origin/credentials/helper-credentials.ts'
import { printsAccount, writeCredentialHelper } from '../../../../helpers/credential-helper.ts'
import { captureLog } from '../../../../helpers/log-capture.ts'
import { createManualClock } from '../../../../helpers/manual-clock.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../../helpers/scratch-directory.ts'
import { waitFor } from '../../../../helpers/wait.ts'

const SECRET = 'planted-secret'

let scratch: ScratchDirectory
let stack: AsyncDisposableStack
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  scratch = stack.use(await createScratchDirectory())
})
afterEach(() => stack.disposeAsync())

const at = (name: string) => join(scratch.path, name)
const env = () => ({ PATH: `${scratch.path}:${process.env.PATH}`, HELPER_LOG: at('helper.log') })
const helperRuns = async () => (await readFile(at('helper.log'), 'utf8').catch(() => '')).split('\n').slice(0, -1)
const auth = (account: string) => ({ auth: Buffer.from(account).toString('base64') })
const writeConfig = (config: object, name = 'config.json') => writeFile(at(name), JSON.stringify(config))

function storeOf(settings: CredentialSettings) {
  const log = captureLog()
  const clock = createManualClock()
  const store = createCredentialStore({ logger: log.logger, clock, env: env() }, settings)
  stack.defer(() => store.stop())
  const get = (host: string, signal?: AbortSignal) => store.forRegistry(host, { signal })
  return { store, get, log, clock }
}

async function startStore(settings: CredentialSettings) {
  const made = storeOf(settings)
  await made.store.start()
  return made
}

const failureOf = async (settings: CredentialSettings) =>
  storeOf(settings)
    .store.start()
    .catch(error => error)

describe('accounts of the configuration', () => {
  test('are found by host, with secrets from files', async () => {
    await writeFile(at('password'), `${SECRET} \n`)
    await writeFile(at('token'), SECRET)
    await writeCredentialHelper(scratch.path, 'test', printsAccount('helped', SECRET))
    const { get } = await startStore({
      accounts: {
        'a.example': { username: 'robot$a', password: 'p' },
        'https://b.example:443': { username: 'robot$b', passwordFile: at('password') },
        'c.example:5000': { identityTokenFile: at('token') },
        'd.example': { identityToken: 't' },
        'e.example': { helper: 'test' },
        'f.example': { username: '', password: '' },
        'docker.io': { username: 'hub', password: 'p' },
      },
    })
    expect(await get('a.example')).toEqual({ username: 'robot$a', password: 'p' })
    expect(await get('A.EXAMPLE:443')).toEqual({ username: 'robot$a', password: 'p' })
    expect(await get('b.example')).toEqual({ username: 'robot$b', password: `${SECRET} ` })
    expect(await get('c.example:5000')).toEqual({ identityToken: SECRET })
    expect(await get('d.example')).toEqual({ identityToken: 't' })
    expect(await get('e.example')).toEqual({ username: 'helped', password: SECRET })
    expect(await get('registry-1.docker.io')).toEqual({ username: 'hub', password: 'p' })
    for (const host of ['f.example', 'c.example', 'a.example:5000', 'x.a.example', 'not a host']) {
      expect(await get(host)).toBeUndefined()
    }
  })

  const bad: readonly (readonly [string, Record<string, RegistryAccount>, string])[] = [
    ['a missing file', { 'a.example': { username: 'u', passwordFile: '/nowhere/password' } }, '/nowhere/password'],
    ['an empty file', { 'a.example': { identityTokenFile: '/dev/null' } }, 'empty file'],
    ['no password', { 'a.example': { username: 'u' } }, 'needs username'],
    ['nothing', { 'a.example': {} }, 'needs username'],
    ['two at once', { 'a.example': { username: 'u', password: SECRET, identityToken: SECRET } }, 'needs username'],
    ['a colon in the user', { 'a.example': { username: 'a:b', password: SECRET } }, 'colon'],
    ['a helper elsewhere', { 'a.example': { helper: '../sh' } }, 'a-z'],
    ['no host', { 'a.example/team': { username: 'u', password: SECRET } }, 'not the host'],
    [
      'one registry twice',
      { 'a.example': { username: 'u', password: 'p' }, 'https://a.example': { username: 'v', password: 'p' } },
      'another spelling',
    ],
  ]
  test.each(bad)('with %s are refused at start', async (_, accounts, told) => {
    const failure = await failureOf({ accounts })
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', detail: expect.stringContaining(told) })
    expect(failure.detail).toContain('a.example')
    expect(failure.message).not.toContain(SECRET)
  })
})

describe('docker configurations', () => {
  test('come after configured accounts and in order, the first that knows a registry deciding', async () => {
    await writeConfig({ auths: { 'a.example': auth('first:p'), 'b.example': auth('first:p') } }, 'one.json')
    await writeConfig({ auths: { 'b.example': auth('second:p'), 'c.example': auth('second:p') } }, 'two.json')
    const { get } = await startStore({
      accounts: { 'a.example': { username: 'configured', password: 'p' } },
      dockerConfigs: [
        { path: at('one.json'), required: true },
        { path: at('two.json'), required: true },
      ],
    })
    const users = await Promise.all(['a', 'b', 'c'].map(name => get(`${name}.example`)))
    expect(users).toMatchObject([{ username: 'configured' }, { username: 'first' }, { username: 'second' }])
  })

  test('are read again when they change; a broken one leaves what was known', async () => {
    await writeConfig({ auths: { 'a.example': auth('old:p') } })
    const { get, log } = await startStore({ dockerConfigs: [{ path: at('config.json'), required: true }] })
    expect(await get('a.example')).toMatchObject({ username: 'old' })
    await writeConfig({ auths: { 'a.example': auth('newer:p') } })
    expect(await get('a.example')).toMatchObject({ username: 'newer' })
    await writeFile(at('config.json'), `{"auths":{"a.example":{"auth":"${auth(`u:${SECRET}`).auth}`)
    expect(await get('a.example')).toMatchObject({ username: 'newer' })
    expect(await get('a.example')).toMatchObject({ username: 'newer' })
    expect(log.text().match(/docker configuration is unusable/g)).toHaveLength(1)
    expect(log.text()).not.toContain(auth(`u:${SECRET}`).auth)
    await writeConfig({ auths: { 'a.example': auth('newest:p') } })
    expect(await get('a.example')).toMatchObject({ username: 'newest' })
    await rm(at('config.json'))
    expect(await get('a.example')).toBeUndefined()
  })

  test('that were named must be there and readable, others need not', async () => {
    const path = at('missing.json')
    const failure = await failureOf({ dockerConfigs: [{ path, required: true }] })
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', detail: expect.stringContaining(path) })
    const { get, log } = await startStore({ dockerConfigs: [{ path, required: false }] })
    expect(await get('a.example')).toBeUndefined()
    expect(log.text()).toBe('')
    await writeConfig({ auths: { 'a.example': auth('late:p') } }, 'missing.json')
    expect(await get('a.example')).toMatchObject({ username: 'late' })

    await writeFile(at('bad.json'), `{"auths":{"a.example":{"auth":"${SECRET}"`)
    const refusal = await failureOf({ dockerConfigs: [{ path: at('bad.json'), required: true }] })
    expect(refusal).toMatchObject({ code: 'CONFIG_INVALID', detail: expect.stringContaining('not JSON') })
    expect(refusal.message).not.toContain(SECRET)
    await startStore({ dockerConfigs: [{ path: at('bad.json'), required: false }] })
  })

  test('send some registries to one helper and the others to another, and know the rest themselves', async () => {
    await writeCredentialHelper(scratch.path, 'special', printsAccount('special', SECRET))
    const onlyHub = `case $server in https://index.docker.io/v1/) ${printsAccount('<token>', SECRET)};;`
    const others = "*) echo 'credentials not found in native keychain'; exit 1;; esac"
    await writeCredentialHelper(scratch.path, 'general', `${onlyHub} ${others}`)
    await writeConfig({
      auths: { 'b.example': auth('plain:p'), 'https://index.docker.io/v1/': {} },
      credHelpers: { 'a.example': 'special' },
      credsStore: 'general',
    })
    const { get, log } = await startStore({ dockerConfigs: [{ path: at('config.json'), required: true }] })
    expect(await get('a.example')).toEqual({ username: 'special', password: SECRET })
    expect(await get('b.example')).toEqual({ username: 'plain', password: 'p' })
    expect(await get('docker.io')).toEqual({ identityToken: SECRET })
    expect(await get('c.example')).toBeUndefined()
    expect(await helperRuns()).toEqual(['a.example', 'b.example', 'https://index.docker.io/v1/', 'c.example'])
    expect(log.text()).toBe('')
  })
})

/** Whether a process has ended, be it that nobody has asked for its exit code yet. */
async function isGone(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return true
  }
  return /\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''))
}

describe('credential helpers', () => {
  const accounts = { 'a.example': { helper: 'test' }, 'b.example': { helper: 'test' } }

  test('are asked once for many at the same time, and again after a minute', async () => {
    await writeCredentialHelper(scratch.path, 'test', printsAccount('u', SECRET))
    const { get, clock } = await startStore({ accounts })
    const answers = await Promise.all(Array.from({ length: 5 }, () => get('a.example')))
    expect(answers).toEqual(Array.from({ length: 5 }, () => ({ username: 'u', password: SECRET })))
    clock.advance(59_999)
    await get('a.example')
    expect(await helperRuns()).toHaveLength(1)
    clock.advance(1)
    await get('a.example')
    expect(await helperRuns()).toHaveLength(2)
  })

  test.each([
    ['fails', `echo ${SECRET}; exit 3`, 'ended with code 3'],
    ['prints no account', `echo '"${SECRET}"'`, 'something other than an account'],
    ['prints no JSON', `echo ${SECRET}`, 'something other than an account'],
    ['prints too much', `yes ${SECRET}`, 'printed too much'],
    ['hangs', `echo ${SECRET} >&2; sleep 60`, 'did not answer within'],
  ])(
    'one that %s counts as having no account, is logged without what it said, and is not asked at once again',
    async (_, body, told) => {
      await writeCredentialHelper(scratch.path, 'test', body)
      const log = captureLog()
      const clock = createManualClock()
      const helpers = new HelperCredentials({ logger: log.logger, clock, env: env() }, { timeoutMs: 500 })
      expect(await helpers.get('test', 'a.example', {})).toBeUndefined()
      expect(await helpers.get('test', 'a.example', {})).toBeUndefined()
      expect(await helperRuns()).toHaveLength(1)
      expect(log.text()).toContain(told)
      expect(log.text()).not.toContain(SECRET)
      await helpers.stop()
    },
  )

  test('one that hangs is ended with what it started', async () => {
    await writeCredentialHelper(scratch.path, 'test', 'sleep 60 & echo $! >> "$HELPER_LOG"; wait')
    const helpers = new HelperCredentials(
      { logger: captureLog().logger, clock: createManualClock(), env: env() },
      { timeoutMs: 500 },
    )
    expect(await helpers.get('test', 'a.example', {})).toBeUndefined()
    const started = Number((await helperRuns())[1])
    await waitFor(async () => isGone(started), { what: 'the end of the process', timeoutMs: 5_000 })
    await helpers.stop()
  })

  test('one that is not there counts as having no account', async () => {
    const { get, log } = await startStore({ accounts })
    expect(await get('a.example')).toBeUndefined()
    expect(log.text()).toContain('could not be started (ENOENT)')
  })

  test('are ended by stop, and whoever gives up waits no longer', async () => {
    await writeCredentialHelper(scratch.path, 'test', 'exec sleep 60')
    const { store, get, log } = await startStore({ accounts })
    const leaver = new AbortController()
    const leaving = get('a.example', leaver.signal)
    const staying = get('b.example')
    await waitFor(async () => (await helperRuns()).length === 2, { what: 'both runs', timeoutMs: 5_000 })
    leaver.abort(new Error('left'))
    await expect(leaving).rejects.toThrow('left')
    await store.stop()
    expect(await staying).toBeUndefined()
    expect(log.text()).toBe('')
  })
})
