import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { startHttpServer, type TestHandler, type TestHttpServer } from './http-server.ts'
import { type ChildProcess, startProcess } from './process.ts'
import { createScratchDirectory } from './scratch-directory.ts'

const MAIN = fileURLToPath(new URL('../../dfget/main.ts', import.meta.url))

/** How a run of dfget ended. */
export interface DfgetRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A user who runs `node dfget/main.ts`, with a current directory and a cache of their own. */
export interface DfgetUser extends AsyncDisposable {
  /** The current directory. */
  readonly home: string
  /** A directory for what else a test needs. */
  readonly elsewhere: string
  start(...args: string[]): Promise<ChildProcess>
  run(...args: string[]): Promise<DfgetRun>
  /** Runs a shell line in which `dfget` is the command and `$1` the first argument. */
  shell(line: string, ...args: string[]): Promise<ChildProcess>
  /** What runs have left behind: files in the current directory, and how many directories in the cache. */
  leftovers(): Promise<{ files: string[]; cache: number }>
}

/** Makes a user; the test disposes of it. */
export async function createDfgetUser(): Promise<DfgetUser> {
  const scratch = await createScratchDirectory()
  const [home, cache] = [join(scratch.path, 'home'), join(scratch.path, 'cache')]
  await mkdir(home)
  const options = { cwd: home, env: { ...process.env, XDG_CACHE_HOME: cache, DFGET_DAEMON_SOCKET: '' } }
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
