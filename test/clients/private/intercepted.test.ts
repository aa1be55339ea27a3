import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import type { SeenRequest } from '../../helpers/registry-front/seen-request.ts'
import { sentBytesOfBlobs } from '../../helpers/registry-front/seen-request.ts'
import { assertClientRequirements } from '../../helpers/requirements.ts'
import { waitFor } from '../../helpers/wait.ts'
import type { NodeDaemon } from '../bench.ts'
import type { Supernode } from '../programs.ts'
import { RUNTIME_NAMES, RUNTIMES, type RuntimeName } from '../runtimes/all-runtimes.ts'
import { buildAndPushImage, type PushedImage } from '../runtimes/image.ts'
import { sentBytesByBlob } from '../runtimes/registry-log.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import { HTPASSWD, ROBOT } from './account.ts'
import type { Front } from './front.ts'
import { INTERCEPTED_HOSTS, type InterceptedSite, startInterceptedSite } from './intercepted-site.ts'

const MIB = 1 << 20
/** Where the registries of image names answer. */
const REGISTRIES = {
  'harbor.example': 'https://harbor.example',
  'docker.io': 'https://registry-1.docker.io',
  'basic.example': 'https://basic.example',
} as const
type RegistryName = keyof typeof REGISTRIES

/** A runtime on its node, whose proxy for https is the node's dfdaemon. */
interface ProxiedNode extends NodeDaemon {
  readonly name: RuntimeName
  readonly environment: Readonly<Record<string, string>>
}

let site: InterceptedSite
let nodes: ProxiedNode[]
let images: Record<RegistryName, PushedImage>

beforeAll(async () => {
  assertClientRequirements()
  site = await startInterceptedSite(ROBOT, HTPASSWD)
  const { bench, surroundings } = site
  const supernode = await bench.startSupernode([], surroundings)
  nodes = await Promise.all(RUNTIME_NAMES.map(name => startNode(name, supernode)))
  const pushed = await Promise.all(
    Object.keys(REGISTRIES).map(async name => [name, await pushImage(name as RegistryName)] as const),
  )
  images = Object.fromEntries(pushed) as typeof images
})

afterAll(() => site?.[Symbol.asyncDispose]())

async function startNode(name: RuntimeName, supernode: Supernode): Promise<ProxiedNode> {
  const { bench, surroundings } = site
  const settings = { intercept: { enabled: true, hosts: INTERCEPTED_HOSTS } }
  const daemon = await bench.startDfdaemon({ supernode, registryUrl: supernode.httpUrl, settings, surroundings })
  const { httpUrl, dataDirectory } = daemon.dfdaemon
  const environment = { HTTPS_PROXY: httpUrl, SSL_CERT_FILE: join(dataDirectory, 'intercept', 'ca.crt') }
  return { ...daemon, name, environment }
}

async function pushImage(registry: RegistryName): Promise<PushedImage> {
  const { bench } = site
  return await buildAndPushImage({
    node: bench.registryNode,
    directory: await bench.directory('buildah'),
    registryUrl: bench.registry.url,
    name: repositoryOf(registry),
    format: 'oci',
    layerSizesBytes: [MIB],
    seed: registry,
  })
}

function repositoryOf(registry: RegistryName): string {
  return `library/${registry.replace('.', '-')}:v1`
}

/** A runtime that knows the registry by its name only. */
async function startRuntime(node: ProxiedNode, registry: RegistryName, login = {}): Promise<Runtime> {
  const url = REGISTRIES[registry]
  const choice = { registry, mirrorUrl: url, registryUrl: url, environment: node.environment }
  return await site.bench.startRuntime(RUNTIMES[node.name], node, { ...choice, ...login })
}

/** Every runtime pulls with the account of its user, all at once. */
async function pullEverywhere(registry: RegistryName): Promise<void> {
  onTestFailed(() => void process.stderr.write(site.bench.log()))
  const runtimes = await Promise.all(nodes.map(node => startRuntime(node, registry, { credentials: ROBOT })))
  const reference = `${registry}/${repositoryOf(registry)}`
  const pulled = await Promise.all(
    runtimes.map(async runtime => [runtime.name, (await runtime.pull(reference)).manifestDigest]),
  )
  expect(pulled).toEqual(RUNTIME_NAMES.map(name => [name, images[registry].manifestDigest]))
}

async function expectOneCopy(front: Front, registry: RegistryName): Promise<SeenRequest[]> {
  const { blobs } = images[registry]
  // An answer is noted when it has ended, which its reader knows first.
  await waitFor(async () => sentBytesOfBlobs(await front.requests()).size === blobs.length, { timeoutMs: 5_000 })
  const requests = await front.requests()
  expect(sentBytesOfBlobs(requests)).toEqual(new Map(blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes])))
  return requests
}

test('a Harbor hears the account of every user, its storage of none, and each blob is sent once', async () => {
  await pullEverywhere('harbor.example')
  const requests = await expectOneCopy(site.harbor, 'harbor.example')
  const stored = requests.filter(({ server }) => server === 'storage')
  expect(stored.map(({ authorization }) => authorization)).toEqual(stored.map(() => undefined))
  // Each token that got the manifest was looked at before its holder got blobs, of the swarm or not.
  const tokensOf = (wanted: (request: SeenRequest) => boolean) =>
    new Set(requests.filter(request => request.status < 400 && wanted(request)).map(request => request.authorization))
  const admitted = tokensOf(({ method, path }) => method === 'HEAD' && path.includes('/blobs/'))
  expect(admitted).toEqual(tokensOf(({ method, path }) => method === 'GET' && path.includes('/manifests/')))
  expect(admitted.size).toBeGreaterThan(1)
})

test('who has no account gets nothing of what the nodes hold', async () => {
  const before = await site.harbor.requests()
  await Promise.all(
    nodes.map(async node => {
      const runtime = await startRuntime(node, 'harbor.example')
      const reference = `harbor.example/${repositoryOf('harbor.example')}`
      await expect(runtime.pull(reference)).rejects.toThrow(/unauthorized/i)
    }),
  )
  const after = (await site.harbor.requests()).slice(before.length)
  expect(sentBytesOfBlobs(after)).toEqual(new Map())
})

test("Docker Hub's own host, with its token service elsewhere", async () => {
  await pullEverywhere('docker.io')
  await expectOneCopy(site.hub, 'docker.io')
})

test('a registry with Basic', async () => {
  await pullEverywhere('basic.example')
  const sent = sentBytesByBlob(await site.basic.finish())
  const { blobs } = images['basic.example']
  expect(sent).toEqual(new Map(blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes])))
})
