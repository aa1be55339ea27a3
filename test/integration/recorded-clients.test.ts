import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GeneratedImage } from '../../registry-mock/image/generated-image.ts'
import { fetchAgain, fetchParallel, fetchParts, fetchResumed, fetchWhole } from '../helpers/blob-fetches.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { type PulledImage, pullAs, type RecordedClient } from '../helpers/recorded-client.ts'
import { OCI_INDEX, OCI_MANIFEST } from '../helpers/registry-mock.ts'

const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const SCHEMA_1 = [
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.docker.distribution.manifest.v1+json',
]
/** Of HEAD of a tag; the real one sends the type it has found out when it fetches, which registries answer alike. */
const CONTAINERD_ACCEPT = [[DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX, '*/*'].join(', ')]
const CONTAINERS_ACCEPT = [OCI_MANIFEST, DOCKER_MANIFEST, ...SCHEMA_1, DOCKER_LIST, OCI_INDEX]
const ENCODINGS = { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5' }
const PARALLEL = fetchParallel({ chunkBytes: 128 * 1024, connections: 3 })

const CONTAINERD: RecordedClient = {
  userAgent: 'containerd/1.6.20~ds1',
  names: 'ns',
  keepsAlive: true,
  pings: false,
  resolves: 'by HEAD',
  accept: CONTAINERD_ACCEPT,
  blobHeaders: { 'accept-encoding': 'gzip' },
  fetch: fetchWhole,
  downloads: 3,
  asides: [],
}
const DOCKER: RecordedClient = {
  ...CONTAINERD,
  userAgent: 'docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 kernel/6.1.0 os/linux arch/amd64',
  names: 'nothing',
  keepsAlive: false,
  pings: true,
  accept: [...SCHEMA_1, DOCKER_MANIFEST, DOCKER_LIST, OCI_INDEX, OCI_MANIFEST],
}
const CONTAINERS: RecordedClient = {
  ...CONTAINERD,
  userAgent: 'containers/5.29.2 (github.com/containers/image)',
  names: 'path',
  keepsAlive: false,
  pings: true,
  resolves: 'by GET',
  accept: CONTAINERS_ACCEPT,
  downloads: 6,
}

const CLIENTS: readonly [name: string, client: RecordedClient][] = [
  ['containerd 1.6', CONTAINERD],
  [
    'containerd 1.7, whose image pull is tried again by the kubelet',
    { ...CONTAINERD, userAgent: 'containerd/1.7.27', fetch: fetchAgain },
  ],
  [
    'containerd 2.1 with parallel ranges',
    { ...CONTAINERD, userAgent: 'containerd/2.1.4', blobHeaders: ENCODINGS, fetch: PARALLEL },
  ],
  [
    'containerd 2.2 that asks for referrers',
    { ...CONTAINERD, userAgent: 'containerd/2.2.0', blobHeaders: ENCODINGS, asides: ['referrers'] },
  ],
  ['dockerd 20.10', DOCKER],
  ['dockerd 20.10 that resumes', { ...DOCKER, fetch: fetchResumed }],
  ['dockerd 25 with a mirror that has a path', { ...DOCKER, userAgent: 'docker/25.0.3', names: 'mirror path' }],
  [
    'Docker 29 with the image store of containerd',
    {
      ...CONTAINERD,
      userAgent: 'docker/29.0.0 containerd-client/2.2.0',
      blobHeaders: ENCODINGS,
      asides: ['referrers'],
    },
  ],
  [
    'podman 4.3',
    { ...CONTAINERS, userAgent: 'containers/5.23.1 (github.com/containers/image)', authorization: 'Basic Og==' },
  ],
  ['CRI-O that resumes', { ...CONTAINERS, fetch: fetchResumed, authorization: 'Basic Og==' }],
  ['CRI-O whose pull is tried again by the kubelet', { ...CONTAINERS, fetch: fetchAgain }],
  ['podman with partial pulls of zstd:chunked', { ...CONTAINERS, fetch: fetchParts }],
  ['podman that looks for cosign signatures', { ...CONTAINERS, asides: ['signature tag'] }],
]

/** Requests to the registry for each aside: a tag is asked for by HEAD, and then for the registry's own refusal. */
const ASIDE_REQUESTS = { referrers: 1, 'signature tag': 2 }
const ASIDE_STATUS = { referrers: 200, 'signature tag': 404 }

describe.for([
  ['without a supernode', false],
  ['with a supernode', true],
] as const)('%s', ([, withSupernode]) => {
  let cluster: TestCluster
  /** One whose default is the registry, and one that has to be told. */
  let nodes: Record<'default' | 'told', TestProgram>

  beforeAll(async () => {
    cluster = await startCluster()
    const supernode = withSupernode ? (await cluster.supernode()).url : ''
    const told = await cluster.dfdaemon({ supernode, defaultUpstream: 'nobody.example' })
    nodes = { default: await cluster.dfdaemon({ supernode }), told }
  })

  afterAll(() => cluster[Symbol.asyncDispose]())

  /** An image that nobody has pulled yet, with counters at zero. */
  async function freshImage(tag: string): Promise<GeneratedImage> {
    const image = await cluster.registry.generateImage({ layers: 3, sizeBytes: 1024 * 1024, tag, seed: tag })
    cluster.registry.stats.reset()
    return image
  }

  function pull(client: RecordedClient, { repository, tag }: GeneratedImage): Promise<PulledImage> {
    const { url } = client.names === 'nothing' ? nodes.default : nodes.told
    return pullAs(client, { mirror: url, registry: cluster.registry.host, repository, tag })
  }

  test.for(CLIENTS.map((entry, index) => [...entry, index] as const))('%s', async ([, client, index]) => {
    const image = await freshImage(`client-${index}`)
    expectImage(client, image, await pull(client, image))
    expectOneCopy(cluster, image)
    expect(cluster.registry.stats.snapshot().manifests.requests).toBe(1)
    cluster.registry.stats.reset()
    expectImage(client, image, await pull(client, image))
    // Where the tag points is asked for; all else is here.
    const asides = client.asides.reduce((sum, kind) => sum + ASIDE_REQUESTS[kind], 0)
    const { requests, totalBlobBytes, manifests } = cluster.registry.stats.snapshot()
    expect({ requests, totalBlobBytes, manifests: manifests.requests }).toEqual({
      requests: 1 + asides,
      totalBlobBytes: 0,
      manifests: 0,
    })
  })

  test('all of them at once, for the first time', async () => {
    const image = await freshImage('crowd')
    const ofOneNode = CLIENTS.map(([, client]) => client).filter(client => client.names !== 'nothing')
    const pulled = await Promise.all(ofOneNode.map(client => pull(client, image)))
    for (const [index, client] of ofOneNode.entries()) expectImage(client, image, pulled[index])
    expectOneCopy(cluster, image)
  })
})

function expectImage(client: RecordedClient, image: GeneratedImage, pulled: PulledImage | undefined): void {
  expect(pulled).toEqual({
    manifest: image.digest,
    blobs: [image.config, ...image.layers].map(({ digest }) => digest),
    asides: client.asides.map(kind => ASIDE_STATUS[kind]),
  })
}

function expectOneCopy({ registry }: TestCluster, image: GeneratedImage): void {
  const { blobs } = registry.stats.snapshot()
  for (const { digest, sizeBytes } of [image.config, ...image.layers]) {
    expect(blobs[digest]).toMatchObject({ requests: 1, bytesSent: sizeBytes })
  }
}
