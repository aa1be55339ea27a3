import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetch } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MadeToken, TokenView } from '../../protocol/messages/token-api.ts'
import { parseToken } from '../../protocol/token.ts'
import { anyServer } from '../helpers/any-server.ts'
import { startCluster, type TestCluster, type TestProcess } from '../helpers/cluster.ts'
import { startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'

const SECURE = { trial: 'false', logLevel: 'trace' }

let cluster: TestCluster
let supernode: TestProcess
let dfdaemon: TestProcess

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernodeProcess(SECURE)
  dfdaemon = await cluster.dfdaemonProcess(SECURE)
})

afterAll(() => cluster[Symbol.asyncDispose]())

const programs = { supernode: () => supernode, dfdaemon: () => dfdaemon }

/** Runs `<program> token …` for a running program. */
async function token(program: 'supernode' | 'dfdaemon', ...args: string[]) {
  const settings = ['--data-dir', programs[program]().dataDir]
  await using process = await startProcess('node', [programMain(program), 'token', ...args, ...settings])
  const { code } = await process.exited
  return { code, stdout: process.stdout.text(), stderr: process.stderr.text() }
}

async function create(program: 'supernode' | 'dfdaemon', role: string, ...args: string[]): Promise<MadeToken> {
  const { stdout, stderr } = await token(program, 'create', '--role', role, '--json', ...args)
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

async function statusOf(program: TestProcess, path: string, made: string, method = 'GET'): Promise<number> {
  return (
    await fetch(`${program.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${made}` },
      dispatcher: anyServer,
    })
  ).status
}

async function filesOf(path: string): Promise<string> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return (await Promise.all(files.map(name => readFile(name, 'latin1')))).join('\n')
}

describe.each(['supernode', 'dfdaemon'] as const)('tokens of a %s', name => {
  test('let their holders do what their roles allow, until they are revoked', async () => {
    const program = programs[name]()
    const viewer = await create(name, 'viewer', '--comment', 'dashboard')
    const operator = await create(name, 'operator', '--expires', '1h')
    expect(await statusOf(program, '/metrics', viewer.token)).toBe(200)
    expect(await statusOf(program, '/api/v1/tokens', viewer.token)).toBe(403)
    expect(await statusOf(program, '/api/v1/tokens', operator.token)).toBe(200)
    const { stdout } = await token(name, 'list')
    expect(stdout).toMatch(new RegExp(`^${viewer.id} +viewer .* dashboard$`, 'm'))
    expect((await token(name, 'revoke', viewer.id)).stdout).toBe(`${viewer.id}\n`)
    expect(await statusOf(program, '/metrics', viewer.token)).toBe(401)
    const left = JSON.parse((await token(name, 'list', '--json')).stdout) as TokenView[]
    expect(left.map(({ id }) => id)).toEqual([operator.id])
    expect(await token(name, 'revoke', viewer.id)).toMatchObject({
      code: 1,
      stderr: `${name}: no such token: "token list" shows those that there are\n`,
    })
  })

  test('serve the commands of those who are not the owner', async () => {
    const program = programs[name]()
    const { stdout, stderr } = await token(name, 'create', '--role', 'viewer')
    expect(stdout).toMatch(/^dmsl_\w+\n$/)
    expect(stderr).toMatch(/^token \w{12} for the role viewer; it expires .*, and is shown this once\n$/)
    const file = join(program.dataDir, 'for-a-command')
    await writeFile(file, stdout)
    await chmod(file, 0o600)
    const args = [programMain(name), 'limits', '--url', program.url, '--token-file', file]
    await using limits = await startProcess('node', args)
    expect(await limits.exited).toMatchObject({ code: 0 })
    await using changing = await startProcess('node', [...args, name === 'dfdaemon' ? '--upload' : '--egress', '5MiB'])
    expect(await changing.exited).toMatchObject({ code: 1 })
    expect(changing.stderr.text()).toContain('this is for operators, not for viewers')
    await writeFile(file, '')
  })

  test('are in no file, log or list, but on the one line that shows them', async () => {
    const program = programs[name]()
    const { token: made } = await create(name, 'operator')
    expect(await statusOf(program, '/metrics', made)).toBe(200)
    expect(await statusOf(program, `/nowhere?token=${made}`, made)).toBe(404)
    expect(await statusOf(program, '/api/v1/limits', made, 'PUT')).toBe(400)
    const secret = parseToken(made)?.secret ?? ''
    expect(secret).toHaveLength(48)
    const seen = [
      await filesOf(program.dataDir),
      program.process.stderr.text(),
      program.process.stdout.text(),
      (await token(name, 'list', '--json')).stdout,
      await (
        await fetch(`${program.url}/metrics`, { headers: { authorization: `Bearer ${made}` }, dispatcher: anyServer })
      ).text(),
    ]
    expect(seen.filter(text => text.includes(secret))).toEqual([])
  })
})

test('a token for joining comes as the line to run on a node', async () => {
  const { stdout, stderr } = await token('supernode', 'create', '--role', 'node', '--uses', '3', '--expires', '30m')
  const [, url, made = ''] = /^dfdaemon join (\S+) --token (\S+)\n$/.exec(stdout) ?? []
  expect(url).toBe(supernode.url)
  expect(parseToken(made)?.clusterKey).toHaveLength(43)
  expect(stderr).toContain('for the role node, for 3 nodes')
  expect(await statusOf(supernode, '/metrics', made)).toBe(401)
  const cluster = await token('supernode', 'list', '--json')
  expect(JSON.parse(cluster.stdout)[0]).toMatchObject({ role: 'node', usesLeft: 3 })
})

test.each([
  [['create'], "error: required option '--role <role>' not specified"],
  [['create', '--role', 'root'], 'Allowed choices are node, viewer, operator.'],
  [['create', '--role', 'viewer', '--expires', '0'], '--expires: "0" is no time'],
  [['create', '--role', 'viewer', '--uses', '2'], 'only tokens for nodes are used up'],
  [['create', '--role', 'node', '--uses', 'many'], 'expected a number, 0 for any number'],
  [['create', '--role', 'viewer', '--expires', '99999d'], 'expiresInSeconds must be <= 315360000'],
  [['create', '--role', 'viewer', '--comment', 'x'.repeat(201)], 'comment must not have more than 200 characters'],
  [['revoke'], "error: missing required argument 'ids'"],
  [['revoke', '../limits'], 'no such token'],
])('supernode token %j is refused', async (args, message) => {
  const refused = await token('supernode', ...args)
  expect([refused.code, refused.stdout]).toEqual([1, ''])
  expect(refused.stderr).toContain(message)
})

test('when the program does not run, the command says so', async () => {
  const node = await cluster.dfdaemonProcess(SECURE)
  await node.stop()
  await using process = await startProcess('node', [
    programMain('dfdaemon'),
    ...['token', 'list', '--data-dir', node.dataDir, '--listen', new URL(node.url).host],
  ])
  expect(await process.exited).toMatchObject({ code: 1 })
  expect(process.stderr.text()).toMatch(/^dfdaemon: the dfdaemon could not be reached: connect ECONNREFUSED .*\n$/)
})
