import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestNetwork, type NetworkNode } from '../helpers/netns.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import {
  type DfdaemonInit,
  type Program,
  type Supernode,
  type Surroundings,
  startDfdaemon,
  startSupernode,
} from './programs.ts'
import { type DockerRegistry, startDockerRegistry } from './runtimes/docker-registry.ts'
import type { Runtime, RuntimeInit, StartRuntime } from './runtimes/runtime.ts'

/** Machines on a network of their own, with a real registry on one of them. What is started through it ends with it. */
export interface Bench extends AsyncDisposable {
  readonly registryNode: NetworkNode
  readonly registry: DockerRegistry
  /** Adds a machine, as `TestNetwork.addNode` does. */
  addNode(options?: { readonly rateBitsPerSecond?: number }): Promise<NetworkNode>
  /** Makes an empty directory; names may repeat. */
  directory(name: string): Promise<string>
  /** Takes over what was started elsewhere. */
  use<Part extends AsyncDisposable>(part: Part): Part
  /** Starts a supernode on a machine of its own. */
  startSupernode(flags?: readonly string[], surroundings?: Surroundings): Promise<Supernode>
  /** Starts a dfdaemon, on a machine of its own unless one is given. */
  startDfdaemon(init: DfdaemonInit, node?: NetworkNode): Promise<NodeDaemon>
  /** Starts a runtime on the machine of a dfdaemon, with that as its mirror unless `init` says otherwise. */
  startRuntime(start: StartRuntime, daemon: NodeDaemon, init: RuntimeChoice): Promise<Runtime>
  /** The ends of the logs of its supernodes and dfdaemons, for a failure's message. */
  log(): string
}

/** A dfdaemon and the machine that it is for. */
export interface NodeDaemon {
  readonly node: NetworkNode
  readonly dfdaemon: Program
}

/** What of a runtime is not given by its place. */
export type RuntimeChoice = Omit<RuntimeInit, 'node' | 'directory' | 'mirrorUrl'> & { readonly mirrorUrl?: string }

/** Starts the network and the registry. Whoever asks for it disposes of it. Needs what `assertClientRequirements` names. */
export async function createBench(): Promise<Bench> {
  await using started = new AsyncDisposableStack()
  const scratch = started.use(await createScratchDirectory())
  const network = started.use(await createTestNetwork())
  const programs: Program[] = []
  let directories = 0

  async function directory(name: string): Promise<string> {
    directories += 1
    const path = join(scratch.path, `${name}-${directories}`)
    await mkdir(path)
    return path
  }

  const registryNode = await network.addNode()
  const registry = started.use(await startDockerRegistry(registryNode, await directory('registry')))
  const stack = started.move()

  function track<Started extends Program>(program: Started): Started {
    programs.push(program)
    return stack.use(program)
  }

  return {
    registryNode,
    registry,
    addNode: options => network.addNode(options),
    directory,
    use: part => stack.use(part),
    async startSupernode(flags, surroundings) {
      return track(await startSupernode(await network.addNode(), await directory('supernode'), flags, surroundings))
    },
    async startDfdaemon(init, given) {
      const node = given ?? (await network.addNode())
      return { node, dfdaemon: track(await startDfdaemon(node, await directory('dfdaemon'), init)) }
    },
    async startRuntime(start, { node, dfdaemon }, choice) {
      const place = { node, directory: await directory('runtime'), mirrorUrl: dfdaemon.httpUrl }
      return stack.use(await start({ ...place, ...choice }))
    },
    log: () => programs.map(program => program.log()).join('\n'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
