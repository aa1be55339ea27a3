import type { NetworkNode } from '../../helpers/netns.ts'
import { type Bench, createBench } from '../bench.ts'
import { type Program, startDfdaemon } from '../programs.ts'
import { RUNTIME_NAMES, RUNTIMES, type RuntimeName } from '../runtimes/all-runtimes.ts'
import { buildAndPushImage, type PushedImage } from '../runtimes/image.ts'
import type { RegistryLogin, Runtime, RuntimeInit } from '../runtimes/runtime.ts'

/** The dfdaemon of a node, as its runtimes reach it. */
export const MIRROR_URL = 'http://127.0.0.1:65001'
const MIB = 1 << 20
const QUOTED_LINES = 12

/** A pull that ended: the digest that the runtime computed, or all that it and its daemon said. */
export type PullOutcome = { readonly digest: string } | { readonly failure: string }

/** What the dfdaemons of a test are told. */
export interface DaemonChoice {
  /** The registry in Docker Hub's place. */
  readonly registryUrl: string
  readonly account?: RegistryLogin
  readonly settings?: Readonly<Record<string, unknown>>
}

/**
 * A node for each runtime of the suite. The runtimes run all the time and know no registry but their mirror, so that nothing
 * but a dfdaemon can answer them; the dfdaemons are started for each test.
 */
export interface RuntimeNodes extends AsyncDisposable {
  readonly bench: Bench
  /** Builds an image of one layer and pushes it to the registry without accounts. */
  pushImage(name: string, layerSizeBytes?: number): Promise<PushedImage>
  /** Starts a dfdaemon on every node. Whoever asks for them ends them. */
  startDaemons(choice: DaemonChoice): Promise<AsyncDisposable>
  /** Pulls on all nodes at once. */
  pullAll(reference: string): Promise<Record<RuntimeName, PullOutcome>>
  /** Starts one more runtime on the node of that name. */
  startRuntime(name: RuntimeName, init: Omit<RuntimeInit, 'node' | 'directory' | 'mirrorUrl'>): Promise<Runtime>
  /** The ends of the logs of the dfdaemons that were started last. */
  log(): string
}

/** Starts the nodes, their runtimes and a supernode. */
export async function startRuntimeNodes(): Promise<RuntimeNodes> {
  const bench = await createBench()
  const supernode = await bench.startSupernode()
  const started = await Promise.all(
    RUNTIME_NAMES.map(async name => {
      const node = await bench.addNode()
      const place = { node, directory: await bench.directory(name), mirrorUrl: MIRROR_URL, registryUrl: MIRROR_URL }
      const runtime = await RUNTIMES[name](place)
      return { name, node, runtime: bench.use(runtime) }
    }),
  )
  let daemons: Program[] = []

  async function startDaemon(node: NetworkNode, { registryUrl, account, settings }: DaemonChoice): Promise<Program> {
    const upstream = { url: registryUrl, ...(account === undefined ? {} : { account }) }
    return await startDfdaemon(node, await bench.directory('dfdaemon'), {
      supernode,
      registryUrl,
      settings: { upstreams: { 'docker.io': upstream }, ...settings },
    })
  }

  async function pull(runtime: Runtime, reference: string): Promise<PullOutcome> {
    try {
      return { digest: (await runtime.pull(reference)).manifestDigest }
    } catch (error) {
      const daemonLines = runtime.log().trimEnd().split('\n').slice(-QUOTED_LINES).join('\n')
      return { failure: `${error instanceof Error ? error.message : error}\n${daemonLines}` }
    }
  }

  return {
    bench,
    async pushImage(name, layerSizeBytes = MIB) {
      return await buildAndPushImage({
        node: bench.registryNode,
        directory: await bench.directory('buildah'),
        registryUrl: bench.registry.url,
        name,
        format: 'oci',
        layerSizesBytes: [layerSizeBytes],
        seed: name,
      })
    },
    async startDaemons(choice) {
      await using stack = new AsyncDisposableStack()
      daemons = await Promise.all(started.map(async ({ node }) => stack.use(await startDaemon(node, choice))))
      return stack.move()
    },
    async startRuntime(name, init) {
      const found = started.find(known => known.name === name)
      if (found === undefined) throw new Error(`there is no node with ${name}`)
      const place = { node: found.node, directory: await bench.directory(name), mirrorUrl: MIRROR_URL }
      return bench.use(await RUNTIMES[name]({ ...place, ...init }))
    },
    log: () => daemons.map(daemon => daemon.log()).join('\n'),
    async pullAll(reference) {
      const outcomes = await Promise.all(
        started.map(async ({ name, runtime }) => [name, await pull(runtime, reference)] as const),
      )
      return Object.fromEntries(outcomes) as Record<RuntimeName, PullOutcome>
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  }
}

/** What `pullAll` gives when every runtime has the image. */
export function allPulled({ manifestDigest }: PushedImage): Record<RuntimeName, PullOutcome> {
  const pulled: PullOutcome = { digest: manifestDigest }
  return Object.fromEntries(RUNTIME_NAMES.map(name => [name, pulled])) as Record<RuntimeName, PullOutcome>
}
