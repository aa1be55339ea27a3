import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Program, startDfdaemon, startSupernode } from '../../test/clients/programs.ts'
import { createTestNetwork, type NetworkNode } from '../../test/helpers/netns.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import type { SwarmPlan } from './config.ts'
import type { CountedDaemon } from './counters.ts'

/** The machines of the benchmark, each on a limited link of its own. */
export interface Machines extends AsyncDisposable {
  readonly registry: NetworkNode
  readonly supernode: NetworkNode
  readonly nodes: readonly NetworkNode[]
}

/** A supernode and a dfdaemon on each node, which hold nothing. They end, and their data goes, when disposed of. */
export interface Swarm extends AsyncDisposable {
  readonly supernode: Program
  readonly daemons: readonly CountedDaemon[]
  /** The ends of their logs, for a failure's message. */
  log(): string
}

/** Makes the network. Each link is limited by tbf in both directions: at its machine, and at the bridge. */
export async function createMachines({ nodes, rates }: Pick<SwarmPlan, 'nodes' | 'rates'>): Promise<Machines> {
  await using starting = new AsyncDisposableStack()
  const network = starting.use(await createTestNetwork())
  const registry = await network.addNode({ rateBitsPerSecond: rates.registry })
  const supernode = await network.addNode({ rateBitsPerSecond: rates.supernode })
  const added: NetworkNode[] = []
  while (added.length < nodes) added.push(await network.addNode({ rateBitsPerSecond: rates.node }))
  const started = starting.move()
  return { registry, supernode, nodes: added, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** What a swarm is told. */
export interface SwarmInit {
  /** The registry in Docker Hub's place. */
  readonly registryUrl: string
  /** File for the events of the supernode's scheduler. */
  readonly record: string | undefined
  /** More flags for the supernode. */
  readonly supernodeFlags?: readonly string[]
}

/** Starts a swarm. @throws the signal's reason */
export async function startSwarm(
  { supernode: supernodeMachine, nodes }: Machines,
  { registryUrl, record, supernodeFlags = [] }: SwarmInit,
  { signal }: { signal: AbortSignal },
): Promise<Swarm> {
  await using starting = new AsyncDisposableStack()
  const scratch = starting.use(await createScratchDirectory())
  const programs: Program[] = []
  // All at once, as each takes its time.
  starting.defer(async () => {
    await Promise.all(programs.map(program => program[Symbol.asyncDispose]()))
  })

  async function start<Started extends Program>(
    program: string,
    startIn: (directory: string) => Promise<Started>,
  ): Promise<Started> {
    signal.throwIfAborted()
    const directory = join(scratch.path, program)
    await mkdir(directory)
    const started = await startIn(directory)
    programs.push(started)
    return started
  }

  const recording = record === undefined ? [] : ['--event-log', record]
  const flags = ['--log-level', 'warn', ...recording, ...supernodeFlags]
  const supernode = await start('supernode', directory => startSupernode(supernodeMachine, directory, flags))
  const init = { supernode, registryUrl, settings: { logLevel: 'warn' } }
  const daemons: CountedDaemon[] = []
  for (const [index, node] of nodes.entries()) {
    const program = await start(`node-${index + 1}`, directory => startDfdaemon(node, directory, init))
    daemons.push({ node, program })
  }
  const started = starting.move()
  return {
    supernode,
    daemons,
    log: () => programs.map(program => program.log()).join('\n'),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
