import { fileURLToPath } from 'node:url'
import type { NetworkNode } from '../../test/helpers/netns.ts'
import { run, startProcess } from '../../test/helpers/process.ts'

/** What an origin has counted since it was asked last. */
export interface OriginCounts {
  readonly requests: number
  /** Of content, as they were handed to the system. */
  readonly bytes: number
  readonly connections: number
  /** Milliseconds since 1970, with fractions; null before the first request. */
  readonly firstRequestAt: number | null
}

/** The HTTP server that everything comes from. */
export interface BenchOrigin extends AsyncDisposable {
  readonly url: string
  /** What was counted since the last call. */
  counts(): Promise<OriginCounts>
}

const SERVER = fileURLToPath(new URL('server.ts', import.meta.url))
const GET = fileURLToPath(new URL('../swarm/get.ts', import.meta.url))
const START_TIMEOUT_MS = 30_000

/** Starts an origin. @param node the machine that it is on; the loopback without one */
export async function startOrigin(
  node: NetworkNode | undefined,
  { sizeBytes = 0, files = 0 }: { sizeBytes?: number; files?: number },
): Promise<BenchOrigin> {
  const place = node === undefined ? {} : { namespace: node.namespace }
  const args = [SERVER, node?.address ?? '127.0.0.1', `${sizeBytes}`, `${files}`]
  await using starting = new AsyncDisposableStack()
  const child = starting.use(await startProcess(process.execPath, args, place))
  const ready = await child.waitForLine('stdout', line => line.startsWith('{'), { timeoutMs: START_TIMEOUT_MS })
  const { url } = JSON.parse(ready) as { url: string }
  const started = starting.move()
  return {
    url,
    async counts() {
      if (node === undefined) return (await fetch(`${url}/_counts`)).json() as Promise<OriginCounts>
      const { stdout } = await run(process.execPath, [GET, `${url}/_counts`], place)
      const [text = ''] = JSON.parse(stdout) as string[]
      return JSON.parse(text) as OriginCounts
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
