import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, onTestFailed, onTestFinished, test } from 'vitest'
import { createTestNetwork, type NetworkNode } from '../helpers/netns.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { type Program, startDfdaemon, startSupernode } from './programs.ts'
import { startContainerd } from './runtimes/containerd.ts'
import { startDockerRegistry } from './runtimes/docker-registry.ts'
import { startDockerd } from './runtimes/dockerd.ts'
import { buildAndPushImage, type ManifestFormat } from './runtimes/image.ts'
import { preparePodman } from './runtimes/podman.ts'
import { sentBytesByBlob } from './runtimes/registry-log.ts'

const MIB = 1 << 20
const LAYER_SIZES_BYTES = [40 * MIB, 16 * MIB, 7 * MIB, MIB]
const REPOSITORY = 'library/test'
const STARTERS = [startContainerd, startDockerd, preparePodman]

beforeAll(assertClientRequirements)

test.each<ManifestFormat>(['oci', 'docker'])(
  'containerd, dockerd and podman pull one %s image at once and the registry sends each blob once',
  async format => {
    const bench = await createBench()
    const { registry, registryNode, directory } = bench
    const image = await buildAndPushImage({
      node: registryNode,
      directory: await directory('buildah'),
      registryUrl: registry.url,
      name: `${REPOSITORY}:${format}`,
      format,
      layerSizesBytes: LAYER_SIZES_BYTES,
      seed: format,
    })
    const runtimes = await bench.startNodes()

    const pulled = await Promise.all(runtimes.map(runtime => runtime.pull(`docker.io/${REPOSITORY}:${format}`)))

    expect(pulled.map(({ manifestDigest }) => manifestDigest)).toEqual(runtimes.map(() => image.manifestDigest))
    const sent = sentBytesByBlob(await registry.finish())
    const [sentBytes, imageBytes] = [[...sent.values()], image.blobs.map(blob => blob.sizeBytes)].map(sum)
    process.stdout.write(
      `${format}: by its log the registry sent ${sentBytes} blob bytes; the image has ${imageBytes}\n`,
    )
    expect(sent).toEqual(new Map(image.blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes])))
  },
)

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** A registry and a supernode on machines of their own. What it starts ends with the running test. */
async function createBench() {
  const stack = new AsyncDisposableStack()
  const programs: Program[] = []
  onTestFailed(() => void process.stderr.write(programs.map(program => program.log()).join('\n')))
  onTestFinished(() => stack.disposeAsync())
  const scratch = stack.use(await createScratchDirectory())
  const network = stack.use(await createTestNetwork())
  const registryNode = await network.addNode()
  const supernodeNode = await network.addNode()
  const registry = stack.use(await startDockerRegistry(registryNode, await directory('registry')))
  const supernode = track(await startSupernode(supernodeNode, await directory('supernode')))

  async function directory(name: string): Promise<string> {
    const path = join(scratch.path, name)
    await mkdir(path)
    return path
  }

  function track(program: Program): Program {
    programs.push(program)
    return stack.use(program)
  }

  async function startNode(start: (typeof STARTERS)[number], index: number) {
    const node: NetworkNode = await network.addNode()
    const dfdaemon = track(
      await startDfdaemon(node, await directory(`dfdaemon-${index}`), {
        supernodeUrl: supernode.httpUrl,
        registryUrl: registry.url,
      }),
    )
    const place = { node, directory: await directory(`runtime-${index}`) }
    return stack.use(await start({ ...place, mirrorUrl: dfdaemon.httpUrl, registryUrl: registry.url }))
  }

  return {
    registry,
    registryNode,
    directory,
    /** Starts a node with a dfdaemon for each runtime. */
    startNodes: () => Promise.all(STARTERS.map(startNode)),
  }
}
