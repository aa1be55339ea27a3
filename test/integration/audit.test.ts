import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetch } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditRecord } from '../../lib/audit/audit-record.ts'
import { requestApi, socketEndpoint } from '../../lib/http/client/api-endpoint.ts'
import { anyServer } from '../helpers/any-server.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'
import { readMetric } from '../helpers/pull.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const SECURE = { trial: 'false' }

let cluster: TestCluster

beforeAll(async () => {
  cluster = await startCluster()
})

afterAll(() => cluster[Symbol.asyncDispose]())

async function audit(program: 'supernode' | 'dfdaemon', dataDir: string, ...args: string[]) {
  await using process = await startProcess('node', [programMain(program), 'audit', '--data-dir', dataDir, ...args])
  const { code } = await process.exited
  return { code, stdout: process.stdout.text(), stderr: process.stderr.text() }
}

async function change(program: TestProgram, name: string): Promise<void> {
  const owner = socketEndpoint(join(program.dataDir, `${name}.sock`))
  const made = await requestApi(owner, '/api/v1/tokens', {
    method: 'POST',
    body: JSON.stringify({ role: 'viewer', comment: 'planted-hunter2' }),
    headers: { 'content-type': 'application/json' },
  })
  expect(made.statusCode).toBe(201)
  const { id, token } = (await made.body.json()) as { id: string; token: string }
  const refused = await fetch(`${program.url}/api/v1/limits`, {
    dispatcher: anyServer,
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"planted":"hunter2"}',
  })
  expect(refused.status).toBe(403)
  expect((await fetch(`${program.url}/metrics?planted=hunter2`, { dispatcher: anyServer })).status).toBe(401)
  const revoked = await requestApi(owner, `/api/v1/tokens/${id}`, { method: 'DELETE' })
  expect(revoked.statusCode).toBe(204)
}

test.each(['supernode', 'dfdaemon'] as const)('a %s records who changed what, and who was refused', async name => {
  const program = await cluster[name](SECURE)
  await change(program, name)
  await program.stop()
  const { stdout } = await audit(name, program.dataDir, '--json')
  const records = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as AuditRecord)
  expect(records.map(({ who, action, outcome }) => [who.kind, who.address, action, outcome.status])).toEqual([
    ['program', '', 'log opened', 0],
    ['socket', 'socket', 'POST /api/v1/tokens', 201],
    ['token', '127.0.0.1', 'PUT /api/v1/limits', 403],
    ['anonymous', '127.0.0.1', 'GET /metrics', 401],
    ['socket', 'socket', 'DELETE /api/v1/tokens/:id', 204],
  ])
  expect(records[1]?.target).toMatch(/^\w{12} viewer$/)
  expect(stdout).not.toContain('hunter2')

  const table = await audit(name, program.dataDir, '--last', '2')
  expect(table.stdout.split('\n')).toHaveLength(4)
  expect(table.stdout).toMatch(/anonymous from 127\.0\.0\.1 +401 UNAUTHORIZED +GET \/metrics/)
  const proof = await audit(name, program.dataDir, '--verify')
  expect(proof.stdout).toMatch(
    /^5 records hang together, from the first to the last; sha256 of the last: [0-9a-f]{64}\n$/,
  )

  const file = join(program.dataDir, 'audit.log')
  await writeFile(file, (await readFile(file, 'utf8')).replace('"status":403', '"status":200'))
  expect(await audit(name, program.dataDir, '--verify')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `${name}: the audit log was changed, or lacks records: audit.log line 4 does not follow the line before it; the 3 records before it hang together\n`,
  })
})

test('a program whose disk takes no records works, and counts them', async () => {
  await using scratch = await createScratchDirectory()
  await mkdir(join(scratch.path, 'audit.log'))
  const program = await cluster.supernode({ dataDir: scratch.path })
  const answer = await fetch(`${program.url}/api/v1/limits`, {
    dispatcher: anyServer,
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"egress":0}',
  })
  expect(answer.status).toBe(200)
  // Its start, and the change.
  expect(await readMetric(program, 'damselfly_audit_records_total', { result: 'failed' })).toBe(2)
  await program.stop()
})

test.each([
  ['--last', '0', 'expected a number from 1 on'],
  ['--last', 'all', 'expected a number from 1 on'],
])('%s %s is refused', async (flag, value, message) => {
  const refused = await audit('supernode', join(process.cwd(), 'no-such-directory'), flag, value)
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(message)])
})

test('without a log, the command says where it looked', async () => {
  const refused = await audit('supernode', '/nonexistent')
  expect(refused).toMatchObject({
    code: 1,
    stderr: 'supernode: the input cannot be read: there is no audit log in /nonexistent; --data-dir names another\n',
  })
})
