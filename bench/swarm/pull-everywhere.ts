import { fileURLToPath } from 'node:url'
import type { NetworkNode } from '../../test/helpers/netns.ts'
import { type ChildProcess, startProcess } from '../../test/helpers/process.ts'
import type { BenchRegistry } from '../pull/registry.ts'
import { watchCpu } from './cpu-time.ts'
import type { ClientReport } from './figures.ts'

const CLIENT = fileURLToPath(new URL('client.ts', import.meta.url))
const START_TIMEOUT_MS = 60_000

/** A pull of one node. */
export interface PullSource {
  readonly node: NetworkNode
  /** Of the registry or mirror that it pulls from. */
  readonly url: string
}

/** What pulls at many nodes came to. */
export interface Pulls {
  /** In the order of the sources. */
  readonly reports: readonly ClientReport[]
  /** Busy part of the machine's processor time meanwhile. */
  readonly cpuShare: number
}

interface PullOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Called when all clients run, before they begin. */
  readonly whenReady?: () => Promise<void>
}

/**
 * Pulls the image of a registry at many nodes at once, a client process at each.
 * @throws Error with what a client said when its pull fails or takes too long; the signal ends the clients, so that it fails too
 */
export async function pullEverywhere(
  { repository, reference }: Pick<BenchRegistry, 'repository' | 'reference'>,
  sources: readonly PullSource[],
  { timeoutMs, signal, whenReady }: PullOptions,
): Promise<Pulls> {
  await using started = new AsyncDisposableStack()
  const clients: ChildProcess[] = []
  const end = () => clients.forEach(client => void client.signal('SIGTERM'))
  signal.addEventListener('abort', end)
  started.defer(() => signal.removeEventListener('abort', end))
  for (const { node, url } of sources) {
    signal.throwIfAborted()
    const args = [CLIENT, url, repository, reference]
    clients.push(started.use(await startProcess(process.execPath, args, node)))
  }
  const ready = { timeoutMs: START_TIMEOUT_MS }
  await Promise.all(clients.map(client => client.waitForLine('stdout', line => line === 'ready', ready)))
  await whenReady?.()
  const cpuShare = watchCpu()
  for (const client of clients) client.signal('SIGUSR2')
  const lines = clients.map(client => client.waitForLine('stdout', line => line.startsWith('{'), { timeoutMs }))
  const reports = (await Promise.all(lines)).map(line => JSON.parse(line) as ClientReport)
  return { reports, cpuShare: cpuShare() }
}
