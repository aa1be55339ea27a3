import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDfdaemon, startSupernode } from '../../test/clients/programs.ts'
import { createTestNetwork, type NetworkNode, type TestNetwork } from '../../test/helpers/netns.ts'
import { run } from '../../test/helpers/process.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { watchMachine } from '../conditions.ts'
import { interleave } from '../measure/interleave.ts'
import type { PullConfig } from './config.ts'
import type { PullFigures } from './figures.ts'
import { type BenchRegistry, startRegistry } from './registry.ts'

const CLIENT = fileURLToPath(new URL('client.ts', import.meta.url))

/** Machines of the benchmark: only the registry's link is limited. */
interface Bench {
  readonly registry: BenchRegistry
  readonly supernodeNode: NetworkNode
  /** The node whose runtime pulls: the client runs here, and the dfdaemon. */
  readonly node: NetworkNode
}

/**
 * Measures direct, cold and warm pulls in turn. The supernode and the dfdaemon of each cold pull have just been started and
 * hold nothing; the warm pull is the next one through the same dfdaemon.
 * @param heard is told the number of runs that are done
 * @throws Error when a program or a pull fails; the signal's reason
 */
export async function measurePulls(
  config: PullConfig,
  heard: (runs: number) => void,
  options: { signal: AbortSignal },
): Promise<PullFigures> {
  const conditions = watchMachine()
  const measured = await measureAll(config, heard, options)
  return { ...measured, layers: config.layers, linkBitsPerSecond: config.rate, conditions: conditions() }
}

async function measureAll(config: PullConfig, heard: (runs: number) => void, { signal }: { signal: AbortSignal }) {
  await using network = await createTestNetwork()
  const [registryNode, supernodeNode, node] = await addNodes(network, config)
  await using registry = await startRegistry(registryNode, config)
  const bench = { registry, supernodeNode, node }
  const direct: number[] = []
  const cold: number[] = []
  const warm: number[] = []
  const warmFirstByte: number[] = []
  const measure = {
    async direct() {
      direct.push((await pull(bench, registry.url)).elapsedMs)
    },
    async swarm() {
      await using swarm = await startSwarm(bench)
      cold.push((await pull(bench, swarm.mirrorUrl)).elapsedMs)
      warm.push((await pull(bench, swarm.mirrorUrl)).elapsedMs)
      warmFirstByte.push(...(await firstBytes(bench, swarm.mirrorUrl)))
    },
  }
  // Not counted: the registry's code is compiled with it.
  const { imageBytes } = await pull(bench, registry.url)
  for (const kind of interleave(['direct', 'swarm'] as const, config.runs)) {
    signal.throwIfAborted()
    await measure[kind]()
    if (direct.length === cold.length) heard(direct.length)
  }
  return { direct, cold, warm, warmFirstByte, imageBytes }
}

async function addNodes(
  network: TestNetwork,
  { rate }: PullConfig,
): Promise<readonly [NetworkNode, NetworkNode, NetworkNode]> {
  const registry = await network.addNode({ rateBitsPerSecond: rate })
  return [registry, await network.addNode(), await network.addNode()]
}

/** A supernode and a dfdaemon that hold nothing, ended and removed when disposed of. */
async function startSwarm({ registry, supernodeNode, node }: Bench): Promise<AsyncDisposable & { mirrorUrl: string }> {
  await using starting = new AsyncDisposableStack()
  const scratch = starting.use(await createScratchDirectory())
  const directory = async (name: string) => {
    await mkdir(join(scratch.path, name))
    return join(scratch.path, name)
  }
  const supernode = starting.use(await startSupernode(supernodeNode, await directory('supernode')))
  const upstream = { supernode, registryUrl: registry.url }
  const dfdaemon = starting.use(await startDfdaemon(node, await directory('dfdaemon'), upstream))
  const started = starting.move()
  return { mirrorUrl: dfdaemon.httpUrl, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

async function pull(bench: Bench, url: string): Promise<{ elapsedMs: number; imageBytes: number }> {
  return JSON.parse(await runClient(bench, 'pull', url))
}

async function firstBytes(bench: Bench, url: string): Promise<number[]> {
  return JSON.parse(await runClient(bench, 'first-bytes', url)).firstBytesMs
}

/** @throws Error with what the client said when the pull fails */
async function runClient({ registry, node }: Bench, mode: string, url: string): Promise<string> {
  const args = [CLIENT, mode, url, registry.repository, registry.reference]
  return (await run(process.execPath, args, { namespace: node.namespace })).stdout
}
