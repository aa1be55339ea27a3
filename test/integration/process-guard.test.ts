import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { startHttpServer } from '../helpers/http-server.ts'
import { type ChildProcess, startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const SECRET = 'planted-secret'
const PATIENCE = { timeoutMs: 20_000 }

const IMPORT_TROUBLE = `--import=${fileURLToPath(new URL('../helpers/trouble-maker.ts', import.meta.url))}`

type Program = 'supernode' | 'dfdaemon' | 'dfget'

/** Starts a program with a secret in its environment. @param options of Node */
async function start(program: Program, trouble = '', options: readonly string[] = []): Promise<ChildProcess> {
  const scratch = await createScratchDirectory()
  onTestFinished(() => scratch[Symbol.asyncDispose]())
  const own = {
    supernode: ['--trial', '--http-listen', '127.0.0.1:0', '--data-dir', join(scratch.path, 'data')],
    dfdaemon: ['--trial', '--listen', '127.0.0.1:0', '--socket', '', '--data-dir', join(scratch.path, 'data')],
    dfget: ['-O', join(scratch.path, 'out'), '--data-dir', join(scratch.path, 'data')],
  }[program]
  const target = program === 'dfget' ? [await silentServer()] : []
  const args = [IMPORT_TROUBLE, ...options, programMain(program), ...own, ...target]
  const env = { ...process.env, TROUBLE: trouble, PLANTED: SECRET, DFGET_DAEMON_SOCKET: '' }
  const child = await startProcess(process.execPath, args, { env })
  onTestFinished(async () => void (await child.stop()))
  if (program !== 'dfget') await child.waitForLine('stdout', line => line.startsWith('{'), PATIENCE)
  return child
}

/** A server that never answers; resolves when dfget has asked it. */
let asked: Promise<void>
async function silentServer(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>()
  asked = promise
  const server = await startHttpServer(() => resolve())
  onTestFinished(() => server.close())
  return `${server.url}/a`
}

async function crash(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  child.signal('SIGUSR2')
  const { code } = await child.exited
  return { code, stderr: child.stderr.text() }
}

test.each([
  ['supernode', 'exception'],
  ['supernode', 'rejection'],
  ['dfdaemon', 'exception'],
  ['dfdaemon', 'url'],
] as const)(
  'a %s ends with one line at an unexpected %s, without what hangs on the error',
  async (program, trouble) => {
    const { code, stderr } = await crash(await start(program, trouble))
    expect(code).toBe(1)
    const last = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '')
    expect(last).toMatchObject({ level: 60, name: program, msg: 'an error that nobody expected; the program ends' })
    expect(last.err).toMatchObject({ message: trouble === 'url' ? 'Invalid URL' : 'boom', stack: expect.any(String) })
    expect(stderr).not.toContain(SECRET)
  },
)

test('dfget ends with code 1 and the stack at an unexpected error, without what hangs on it', async () => {
  const child = await start('dfget', 'exception')
  await asked
  const { code, stderr } = await crash(child)
  expect(code).toBe(1)
  expect(stderr).toMatch(/dfget: an error that nobody expected; the program ends\nError: boom\n {4}at /)
  expect(stderr).not.toContain(SECRET)
})

test.each(['supernode', 'dfdaemon'] as const)('SIGUSR1 opens no debugger in a %s', async program => {
  const child = await start(program)
  child.signal('SIGUSR1')
  child.signal('SIGURG')
  expect(await child.waitForLine('stderr', line => line.startsWith('debugger:'), PATIENCE)).toBe('debugger: none')
  expect(child.stderr.text()).not.toContain('Debugger listening')
})

test('a debugger that was asked for is warned of', async () => {
  const child = await start('supernode', '', ['--inspect=127.0.0.1:0'])
  const lines = child.stderr.lines().filter(line => line.startsWith('{'))
  expect(lines.map(line => JSON.parse(line).msg)).toContainEqual(
    expect.stringContaining('a debugger may read all memory'),
  )
})

test('a diagnostic report says nothing of the environment or of what hangs on the error', async () => {
  await using scratch = await createScratchDirectory()
  const options = ['--report-on-signal', '--report-signal=SIGWINCH', '--report-uncaught-exception']
  const child = await start('supernode', 'exception', [...options, `--report-directory=${scratch.path}`])
  child.signal('SIGWINCH')
  await child.waitForLine('stderr', line => line.includes('Node.js report completed'), PATIENCE)
  await crash(child)
  const reports = await Promise.all(
    (await readdir(scratch.path)).map(name => readFile(join(scratch.path, name), 'utf8')),
  )
  expect(reports.length).toBeGreaterThan(0)
  for (const report of reports) {
    expect(JSON.parse(report).environmentVariables).toBeUndefined()
    expect(report).not.toContain(SECRET)
  }
})
