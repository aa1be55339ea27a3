import { chmod, link, lstat, mkdir, readdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { socketSource } from '../../../../lib/http/access/socket-source.ts'
import { answers, textAnswer } from '../../../../lib/http/answers.ts'
import { createHttpServer } from '../../../../lib/http/api-server.ts'
import { createLocalSocket } from '../../../../lib/http/local-socket.ts'
import { connectToSocket } from '../../../../lib/http/socket-path.ts'
import { testAccess } from '../../../helpers/api-access.ts'
import { testGuard } from '../../../helpers/connection-guard.ts'
import { captureLog } from '../../../helpers/log-capture.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

let scratch: ScratchDirectory
let path: string

beforeEach(async () => {
  scratch = await createScratchDirectory()
  path = join(scratch.path, 'data', 'api.sock')
})

afterEach(() => scratch[Symbol.asyncDispose]())

/** An API whose only route says which role let its caller in. */
async function startSocket(role: 'local' | 'operator', at = path) {
  const { logger, text } = captureLog()
  const http = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: 1_000,
    logger,
    api: { title: 'test', description: 'sockets' },
    access: testAccess([socketSource]),
  })
  const schema = { response: answers({ 200: textAnswer('the role') }) }
  http.app.get('/role', { schema, config: { access: ['local'] } }, async ({ identity }) => identity.id)
  const socket = createLocalSocket(
    { app: http.app, logger, protection: testGuard() },
    { path: at, role, without: 'nothing' },
  )
  await http.start()
  onTestFinished(() => http.stop())
  onTestFinished(() => socket.stop())
  await socket.start()
  return { socket, http, log: text }
}

async function askRole(at = path): Promise<string> {
  const socket = await connectToSocket(at)
  socket.write('GET /role HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString().split('\r\n\r\n')[1] ?? ''
}

test.each([
  ['operator', 0o600],
  ['local', 0o666],
] as const)('who connects is %s, and the mode is %o', async (role, mode) => {
  const { socket, http } = await startSocket(role)
  expect(await askRole()).toBe(role)
  expect((await lstat(path)).mode & 0o777).toBe(mode)
  expect((await fetch(`${http.url()}/role`)).status).toBe(401)
  await socket.stop()
  expect(await readdir(join(scratch.path, 'data'))).toEqual([])
})

test('the directory that is made for the owner is for the owner', async () => {
  await startSocket('operator')
  expect((await lstat(join(scratch.path, 'data'))).mode & 0o777).toBe(0o700)
})

test('a path may be longer than what a socket address holds', async () => {
  const deep = join(scratch.path, ...Array.from({ length: 5 }, (_, level) => `${level}`.repeat(60)), 'api.sock')
  const { socket, log } = await startSocket('operator', deep)
  expect(log()).toBe('')
  expect(await askRole(deep)).toBe('operator')
  await socket.stop()
  await expect(lstat(deep)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('the socket of a program that is gone is replaced', async () => {
  await mkdir(join(scratch.path, 'data'))
  const dead = createServer()
  await new Promise<void>(done => dead.listen(join(scratch.path, 'data', 'old'), done))
  await link(join(scratch.path, 'data', 'old'), path)
  await new Promise(done => dead.close(done))
  await startSocket('operator')
  expect(await askRole()).toBe('operator')
})

test('the socket of a program that runs, and what is no socket, stay', async () => {
  const first = await startSocket('operator')
  const second = await startSocket('local')
  expect(second.log()).toContain('EADDRINUSE')
  expect(await askRole()).toBe('operator')
  await second.socket.stop()
  await first.socket.stop()
  await writeFile(path, 'text')
  const third = await startSocket('operator')
  expect(JSON.parse(third.log())).toMatchObject({ level: 50, path, msg: 'no local socket' })
  expect((await lstat(path)).isFile()).toBe(true)
})

test('a link is not followed to what it leads to', async () => {
  await mkdir(join(scratch.path, 'data'))
  const target = join(scratch.path, 'target')
  await symlink(target, path)
  await startSocket('operator')
  expect((await lstat(path)).isSocket()).toBe(true)
  await expect(lstat(target)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a name that somebody else has taken meanwhile stays', async () => {
  const { socket } = await startSocket('operator')
  await unlink(path)
  await writeFile(path, 'text')
  await socket.stop()
  expect((await lstat(path)).isFile()).toBe(true)
})

test('none is made for an empty path, and one that cannot be made is logged', async () => {
  expect((await startSocket('operator', '')).log()).toBe('')
  await mkdir(join(scratch.path, 'data'))
  await writeFile(join(scratch.path, 'file'), '')
  await chmod(join(scratch.path, 'file'), 0o600)
  const { log } = await startSocket('local', join(scratch.path, 'file', 'api.sock'))
  expect(JSON.parse(log())).toMatchObject({ level: 40, without: 'nothing', msg: 'no local socket' })
})
