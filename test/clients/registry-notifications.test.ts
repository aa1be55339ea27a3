import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import { type Digest, digestOf } from '../../protocol/digest.ts'
import type { DaemonTasks } from '../../protocol/messages/daemon-api.ts'
import type { PreheatSummary } from '../../protocol/messages/preheat-api.ts'
import { createPreheatClient } from '../../supernode/client/preheat-client.ts'
import { distributionBody, distributionEvent } from '../helpers/harbor-bodies.ts'
import { makeToken, ownersApi } from '../helpers/join.ts'
import type { NetworkNode } from '../helpers/netns.ts'
import { run } from '../helpers/process.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Bench, createBench, type NodeDaemon } from './bench.ts'
import { pullWithAll } from './matrix.ts'
import type { Supernode } from './programs.ts'
import { type DockerRegistry, startDockerRegistry } from './runtimes/docker-registry.ts'
import { pushGeneratedImage } from './runtimes/generated-image.ts'
import type { PushedImage } from './runtimes/image.ts'
import { sentBytesByBlob } from './runtimes/registry-log.ts'
import type { Runtime } from './runtimes/runtime.ts'
import { prepareSkopeo } from './runtimes/skopeo.ts'

const NODES = 10
const PORT = 5000
const APP = { repository: 'library/app', tag: 'v1', layers: 4, sizeBytes: 6 * 1024 * 1024 }
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const EVENTS_V1 = 'application/vnd.docker.distribution.events.v1+json'
const TIMEOUT_MS = 120_000

let bench: Bench
let registryNode: NetworkNode
let registry: DockerRegistry
let supernode: Supernode
let daemons: readonly NodeDaemon[]
let runtimes: readonly Runtime[]
/** Where the registry tells what was pushed, and what it shows there: the supernode wants HTTPS and a token of an operator. */
let endpoint: { readonly url: string; readonly authorization: string; readonly caFile: string }
/** All that was pushed with a tag. */
const pushed: PushedImage[] = []

beforeAll(async () => {
  assertClientRequirements()
  bench = await createBench()
  registryNode = await bench.addNode()
  const registryUrl = `http://${registryNode.address}:${PORT}`
  const settings = join(await bench.directory('settings'), 'supernode.yaml')
  await writeFile(settings, JSON.stringify({ upstreams: { 'docker.io': { url: registryUrl } } }))
  supernode = await bench.startSupernode(['--config', settings])
  const { httpUrl, dataDirectory } = supernode
  const { token } = await makeToken({ dataDir: dataDirectory }, { role: 'operator' })
  endpoint = {
    url: `${httpUrl}/events?registry=docker.io`,
    authorization: `Bearer ${token}`,
    caFile: join(dataDirectory, 'cluster.crt'),
  }
  registry = bench.use(await startNotifyingRegistry())
  const started: NodeDaemon[] = []
  // One after the other: so many at once are too much for a small machine to start in time.
  while (started.length < NODES) started.push(await bench.startDfdaemon({ supernode, registryUrl: registry.url }))
  daemons = started
  runtimes = await Promise.all(
    daemons.map(daemon => bench.startRuntime(prepareSkopeo, daemon, { registryUrl: registry.url })),
  )
  const linked = async () => (await ask<unknown[]>('/api/v1/peers')).length === NODES
  await waitFor(linked, { timeoutMs: TIMEOUT_MS, what: 'the nodes to link' })
})

afterAll(() => bench?.[Symbol.asyncDispose]())

/** A registry as its operator sets it up (contracts §5), which tells of pulls and deletions, too. */
async function startNotifyingRegistry(): Promise<DockerRegistry> {
  const directory = await bench.directory('registry')
  const { url, authorization, caFile } = endpoint
  const target = { name: 'p2p', url, headers: { Authorization: [authorization] } }
  return await startDockerRegistry(registryNode, directory, {
    environment: { SSL_CERT_FILE: caFile },
    settings: {
      storage: { filesystem: { rootdirectory: join(directory, 'registry') }, delete: { enabled: true } },
      notifications: {
        events: { includereferences: true },
        endpoints: [{ ...target, timeout: '10s', threshold: 5, backoff: '1s' }],
      },
    },
  })
}

async function push(seed: string, repository = APP.repository): Promise<PushedImage> {
  const target = { registry, registryNode, directory: bench.directory }
  const image = await pushGeneratedImage(target, { ...APP, repository, seed })
  pushed.push(image)
  return image
}

async function ask<Answer>(path: string): Promise<Answer> {
  const { body } = await requestApi(ownersApi('supernode', supernode.dataDirectory), path)
  return (await body.json()) as Answer
}

async function jobs(): Promise<PreheatSummary[]> {
  const client = createPreheatClient(ownersApi('supernode', supernode.dataDirectory))
  return await client.list({ signal: AbortSignal.timeout(TIMEOUT_MS) })
}

async function jobsFor(digest: Digest): Promise<PreheatSummary[]> {
  return (await jobs()).filter(job => job.digest === digest)
}

async function untilSpread({ manifestDigest }: Pick<PushedImage, 'manifestDigest'>): Promise<void> {
  const isSpread = async () => {
    const ended = (await jobsFor(manifestDigest)).filter(({ endedAt }) => endedAt !== null)
    expect(ended.filter(({ state }) => state !== 'succeeded')).toEqual([])
    return ended.length > 0
  }
  await waitFor(isSpread, { timeoutMs: TIMEOUT_MS, intervalMs: 200, what: 'the image to be spread' })
}

/** Digests of what a node holds all of. */
async function heldBy({ dfdaemon }: NodeDaemon): Promise<Set<string>> {
  const { body } = await requestApi(ownersApi('dfdaemon', dfdaemon.dataDirectory), '/api/v1/tasks')
  const tasks = (await body.json()) as DaemonTasks
  return new Set(tasks.filter(({ state }) => state === 'complete').map(({ id }) => id))
}

async function expectHeldByAll({ blobs }: PushedImage): Promise<void> {
  for (const held of await Promise.all(daemons.map(heldBy))) {
    expect(blobs.filter(({ digest }) => !held.has(digest))).toEqual([])
  }
}

async function sentBytes(): Promise<number> {
  return [...sentBytesByBlob(await registry.blobRequests()).values()].reduce((sum, bytes) => sum + bytes, 0)
}

async function pullEverywhere({ manifestDigest }: PushedImage): Promise<void> {
  const results = await pullWithAll(runtimes, `docker.io/${APP.repository}:${APP.tag}`, { timeoutMs: TIMEOUT_MS })
  expect(results.map(result => result.manifestDigest ?? result.words)).toEqual(runtimes.map(() => manifestDigest))
}

/** Asks the registry or the supernode from the machine of the registry. @returns the body */
async function curl(url: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('curl', ['--silent', '--show-error', '--fail', ...args, url], registryNode)
  return stdout
}

const manifestUrl = (repository: string, reference: string) => `${registry.url}/v2/${repository}/manifests/${reference}`

test('what is pushed is on ten nodes without anybody asking, and ten pulls take nothing from the registry', async () => {
  onTestFailed(() => void process.stderr.write(bench.log()))
  const image = await push('first')
  await untilSpread(image)
  await expectHeldByAll(image)
  expect((await jobsFor(image.manifestDigest)).map(({ nodes }) => nodes)).toEqual([
    { done: NODES, failed: 0, total: NODES },
  ])
  const before = await sentBytes()
  await pullEverywhere(image)
  expect((await sentBytes()) - before).toBe(0)
})

test('the same tag with other content is spread again', async () => {
  onTestFailed(() => void process.stderr.write(bench.log()))
  const image = await push('second')
  await untilSpread(image)
  await expectHeldByAll(image)
  const before = await sentBytes()
  await pullEverywhere(image)
  expect((await sentBytes()) - before).toBe(0)
})

test('what is pulled and deleted starts nothing', async () => {
  onTestFailed(() => void process.stderr.write(bench.log()))
  const [first] = pushed
  if (first === undefined) throw new Error('nothing was pushed')
  await curl(manifestUrl(APP.repository, first.manifestDigest), '--header', `Accept: ${OCI_MANIFEST}`)
  await curl(manifestUrl(APP.repository, first.manifestDigest), '--request', 'DELETE')
  // The registry tells one thing after the other: when it has told of this, it has told of all before.
  await untilSpread(await push('third', 'library/marker'))
  expect((await jobs()).map(({ digest }) => digest).toSorted()).toEqual(
    pushed.map(({ manifestDigest }) => manifestDigest).toSorted(),
  )
})

test('what is announced before it can be read is asked for again', async () => {
  onTestFailed(() => void process.stderr.write(bench.log()))
  const repository = 'library/late'
  const { manifestDigest } = await push('fourth', repository)
  const known = await curl(manifestUrl(repository, manifestDigest), '--header', `Accept: ${OCI_MANIFEST}`)
  const manifest = JSON.stringify({ ...JSON.parse(known), annotations: { late: 'yes' } })
  const digest = digestOf(Buffer.from(manifest))
  const files = await bench.directory('late')
  await writeFile(join(files, 'manifest'), manifest)
  const event = distributionEvent({ target: { digest, repository, tag: 'v2', url: manifestUrl(repository, digest) } })
  await writeFile(join(files, 'event'), distributionBody(event))
  const { url, authorization, caFile } = endpoint
  const headers = ['--header', `Authorization: ${authorization}`, '--header', `Content-Type: ${EVENTS_V1}`]
  const answer = await curl(url, '--cacert', caFile, ...headers, '--data-binary', `@${join(files, 'event')}`)
  const { started } = JSON.parse(answer) as { readonly started: number[] }
  expect(started).toHaveLength(1)
  const isEarly = () => supernode.log().includes('the manifest cannot be read yet')
  await waitFor(isEarly, { timeoutMs: TIMEOUT_MS, what: 'the supernode to ask too early' })

  const type = ['--header', `Content-Type: ${OCI_MANIFEST}`]
  await curl(manifestUrl(repository, 'v2'), '--request', 'PUT', ...type, '--data-binary', `@${join(files, 'manifest')}`)
  await untilSpread({ manifestDigest: digest })
  // The event of the registry itself, which came second, has started no other.
  await untilSpread(await push('fifth', 'library/marker'))
  expect((await jobsFor(digest)).map(({ id }) => id)).toEqual(started)
})

test('the registry has sent each blob once, to the supernode', async () => {
  const requests = await registry.finish()
  const blobs = pushed.flatMap(image => image.blobs)
  expect(sentBytesByBlob(requests)).toEqual(new Map(blobs.map(({ digest, sizeBytes }) => [digest, sizeBytes])))
  const { hostname } = new URL(supernode.httpUrl)
  expect([...new Set(requests.map(({ client }) => client))]).toEqual([hostname])
})
