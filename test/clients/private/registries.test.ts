import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import type { SeenRequest } from '../../helpers/registry-front/seen-request.ts'
import { sentBytesOfBlobs } from '../../helpers/registry-front/seen-request.ts'
import { assertClientRequirements } from '../../helpers/requirements.ts'
import { waitFor } from '../../helpers/wait.ts'
import { type DockerRegistry, startDockerRegistry } from '../runtimes/docker-registry.ts'
import type { PushedImage } from '../runtimes/image.ts'
import { sentBytesByBlob } from '../runtimes/registry-log.ts'
import { ROBOT } from './account.ts'
import { type Front, startFront } from './front.ts'
import { allPulled, type RuntimeNodes, startRuntimeNodes } from './runtime-nodes.ts'

const MIB = 1 << 20
const EXPIRING_LIFETIME_S = 1.5
/** A token does not live as long as this takes. */
const EXPIRING_BYTES = 3 * MIB
const PULLS = ['library/', 'hub/', 'minute/', 'expiring/', 'lying/']
const IMAGES: readonly (readonly [name: string, sizeBytes: number])[] = [
  ['library/harbor:v1', MIB],
  ['hub/library/cached:v1', MIB],
  ['minute/test:v1', MIB],
  ['expiring/test:v1', EXPIRING_BYTES],
  ['lying/test:v1', EXPIRING_BYTES],
  ['through/test:v1', MIB],
  ['secret/test:v1', MIB],
]

let nodes: RuntimeNodes
let front: Front
let pullThrough: DockerRegistry
let images: Map<string, PushedImage>
let daemons: AsyncDisposable

beforeAll(async () => {
  assertClientRequirements()
  nodes = await startRuntimeNodes()
  const { bench, pushImage } = nodes
  images = new Map(await Promise.all(IMAGES.map(async ([name, size]) => [name, await pushImage(name, size)] as const)))
  const { registryNode, registry } = bench
  pullThrough = bench.use(
    await startDockerRegistry(registryNode, await bench.directory('pull-through'), {
      port: 5003,
      settings: { proxy: { remoteurl: registry.url } },
    }),
  )
  const registryUrl = registry.url
  const accounts = [{ ...ROBOT, pulls: PULLS }]
  const expiring = { registryUrl, accounts, tokenLifetimeSeconds: EXPIRING_LIFETIME_S, cutAtExpiry: true } as const
  const slow = { ...expiring, bytesPerSecond: MIB } as const
  front = bench.use(
    await startFront(registryNode, await bench.directory('front'), {
      listen: `${registryNode.address}:8080`,
      storageListen: `${registryNode.address}:8081`,
      registryUrl,
      accounts,
      proxyProjects: ['hub'],
      open: { through: pullThrough.url },
      bearer: {
        minute: {
          ...{ registryUrl, accounts, tokenLifetimeSeconds: 60 },
          tokens: { methods: ['GET', 'POST'], names: ['token', 'access_token'], expiresInSeconds: 60 },
        },
        expiring: {
          ...slow,
          tokens: { methods: ['POST'], names: ['access_token'], expiresInSeconds: EXPIRING_LIFETIME_S },
        },
        lying: { ...slow, tokens: { methods: ['GET'], names: ['token'], expiresInSeconds: 60 } },
      },
    }),
  )
  daemons = await nodes.startDaemons({ registryUrl: front.url, account: ROBOT })
})

afterAll(async () => {
  await daemons?.[Symbol.asyncDispose]()
  await nodes?.[Symbol.asyncDispose]()
})

/** Pulls on all nodes at once, and looks at what the registry had to send for it. @returns what it saw of that */
async function pullEverywhere(name: string, reference = name): Promise<SeenRequest[]> {
  onTestFailed(() => void process.stderr.write(nodes.log()))
  const image = images.get(name)
  if (image === undefined) throw new Error(`${name} was not pushed`)
  const before = (await front.requests()).length
  expect(await nodes.pullAll(`docker.io/${reference}`)).toEqual(allPulled(image))
  const expected = new Map(image.blobs.map(({ digest, sizeBytes }) => [digest as string, sizeBytes]))
  const seen = async () => (await front.requests()).slice(before)
  // An answer is noted when it has ended, which its reader knows first.
  await waitFor(async () => sentBytesOfBlobs(await seen()).size === expected.size, { timeoutMs: 5_000 })
  return await seen()
}

function blobsOf(name: string): Set<string> {
  return new Set(images.get(name)?.blobs.map(({ digest }) => digest))
}

function expectOneCopy(name: string, requests: readonly SeenRequest[]): void {
  const image = images.get(name)
  expect(sentBytesOfBlobs(requests)).toEqual(new Map(image?.blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes])))
}

describe('Harbor', () => {
  test('lets a robot of its project pull on all nodes, and its storage sends each blob once', async () => {
    const requests = await pullEverywhere('library/harbor:v1')
    expectOneCopy('library/harbor:v1', requests)
    const stored = requests.filter(({ server }) => server === 'storage')
    expect(stored.map(({ status, authorization }) => [status, authorization])).toEqual(
      stored.map(() => [200, undefined]),
    )
    expect(requests.filter(({ method }) => method === 'POST')).toEqual([])
  })

  test('gives a cold blob of a proxy-cache project out once, by its short name too', async () => {
    const requests = await pullEverywhere('hub/library/cached:v1', 'hub/cached:v1')
    // Such a blob cannot be asked for by HEAD; what the look by GET has got when it hangs up is no copy.
    const [looks, reads] = [true, false].map(isLook =>
      requests.filter(({ range }) => (range === 'bytes=0-0') === isLook),
    )
    expectOneCopy('hub/library/cached:v1', reads ?? [])
    expect(new Set(sentBytesOfBlobs(looks ?? []).keys())).toEqual(blobsOf('hub/library/cached:v1'))
    expect(looks?.filter(({ status }) => status === 200)).toHaveLength(2)
  })
})

test('clients hear from Harbor that the robot may not read a project', async () => {
  const outcomes = Object.values(await nodes.pullAll('docker.io/secret/test:v1'))
  expect(outcomes).toEqual(outcomes.map(() => ({ failure: expect.stringMatching(/unauthorized/i) })))
})

describe('a registry with tokens', () => {
  test('of 60 seconds sends each blob once', async () => {
    expectOneCopy('minute/test:v1', await pullEverywhere('minute/test:v1'))
  })

  test.each(['expiring', 'lying'])(
    'that expire while a blob comes, as the service "%s" says, sends each byte once',
    async project => {
      const requests = await pullEverywhere(`${project}/test:v1`)
      expect(requests.filter(({ cut }) => cut).length).toBeGreaterThan(0)
      expectOneCopy(`${project}/test:v1`, requests)
    },
  )
})

test('a registry that is a cache of another is read once', async () => {
  expectOneCopy('through/test:v1', await pullEverywhere('through/test:v1'))
  const image = images.get('through/test:v1')
  const sent = sentBytesByBlob(await pullThrough.finish())
  expect(sent).toEqual(new Map(image?.blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes])))
})
