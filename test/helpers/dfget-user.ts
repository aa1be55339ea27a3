import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startHttpServer, type TestHandler, type TestHttpServer } from './http-server.ts'
import { type ChildProcess, startProcess } from './process.ts'
import { programMain } from './program-main.ts'
import { createScratchDirectory } from './scratch-directory.ts'

const MAIN = programMain('dfget')

/** How a run of dfget ended. */
export interface DfgetRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A user who runs `dfget`, as it is published, with a current directory and a cache of their own. */
export interface DfgetUser extends AsyncDisposable {
  /** The current directory. */
  readonly home: string
  /** A directory for what else a test needs. */
  readonly elsewhere: string
  start(...args: string[]): Promise<ChildProcess>
  run(...args: string[]): Promise<DfgetRun>
  /** Runs a shell line in which `dfget` is the command and `$1` the first argument. */
  shell(line: string, ...args: string[]): Promise<ChildProcess>
  /**
   * Runs it in a terminal of a width: what it prints, on both streams, is the process's `stdout`, and what is typed comes from a keyboard.
   * Needs `script`, of bsdutils, which is essential to Debian.
   */
  terminal(init: { readonly columns: number }, ...args: string[]): Promise<ChildProcess>
  /** What runs have left behind: files in the current directory, and how many directories in the cache. */
  leftovers(): Promise<{ files: string[]; cache: number }>
}

/** Makes a user; the test disposes of it. @param variables of the environment, more than those of the test */
export async function createDfgetUser(variables: Readonly<Record<string, string>> = {}): Promise<DfgetUser> {
  const scratch = await createScratchDirectory()
  const [home, cache] = [join(scratch.path, 'home'), join(scratch.path, 'cache')]
  await mkdir(home)
  const env: NodeJS.ProcessEnv = { ...process.env, XDG_CACHE_HOME: cache, DFGET_DAEMON_SOCKET: '' }
  // A proxy of the machine is none of the test's.
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy']) {
    delete env[name]
    delete env[name.toUpperCase()]
  }
  const options = { cwd: home, env: { ...env, ...variables } }
  const start = (...args: string[]) => startProcess(process.execPath, [MAIN, ...args], options)
  return {
    home,
    elsewhere: scratch.path,
    start,
    async run(...args) {
      await using child = await start(...args)
      const { code } = await child.exited
      return { code, stdout: child.stdout.text(), stderr: child.stderr.text() }
    },
    shell(line, ...args) {
      const define = 'dfget() { "$NODE" "$MAIN" "$@"; }'
      const env = { ...options.env, NODE: process.execPath, MAIN }
      return startProcess('sh', ['-c', `${define}; ${line}`, 'sh', ...args], { ...options, env })
    },
    terminal({ columns }, ...args) {
      const words = [process.execPath, MAIN, ...args].map(word => `'${word.replaceAll("'", "'\\''")}'`)
      const line = `stty cols ${columns} rows 24; exec ${words.join(' ')}`
      const env = { ...options.env, SHELL: '/bin/sh' }
      return startProcess('script', ['-qfec', line, '/dev/null'], { ...options, env, typed: true })
    },
    async leftovers() {
      const kept = await readdir(join(cache, 'damselfly', 'dfget')).catch(() => [])
      return { files: (await readdir(home)).sort(), cache: kept.length }
    },
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  }
}

/** Starts a server for the running test only. */
export async function serveForTest(handler: TestHandler): Promise<TestHttpServer> {
  const server = await startHttpServer(handler)
  onTestFinished(() => server.close())
  return server
}

/** Serves bytes, whole or from an offset on, under an ETag unless another validator is given. */
export function contentHandler(
  content: Uint8Array,
  validator: Record<string, string> = { etag: '"one"' },
): (...exchange: Parameters<TestHandler>) => void {
  return (request, response) => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }
    const headers = { 'content-length': content.length - from, ...validator, ...(from > 0 ? range : {}) }
    response.writeHead(from > 0 ? 206 : 200, headers).end(content.subarray(from))
  }
}

/** What `--json` prints. */
type LastJson = Record<'url' | 'output' | 'digest', string> &
  Record<'sizeBytes' | 'durationMs' | 'peerBytes' | 'supernodeBytes' | 'originBytes' | 'diskBytes', number>

/** The object that `--json` printed. */
export function lastJson(stdout: string): LastJson {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
}
