import { afterEach, beforeEach, expect, test } from 'vitest'
import { blockSizeFor } from '../../protocol/block-size.ts'
import type { PreheatJob } from '../../protocol/messages/preheat-api.ts'
import { createPreheatClient } from '../../supernode/client/preheat-client.ts'
import { ask } from '../helpers/ask.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { basicOf, ROBOT } from '../helpers/own-account.ts'
import { createBearerRegistry } from '../helpers/registry-front/bearer-registry.ts'
import { type FrontServer, startFrontServer } from '../helpers/registry-front/front-server.ts'
import { type SeenRequest, sentBytesOfBlobs } from '../helpers/registry-front/seen-request.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1 << 20
const APP = { repository: 'library/app', tag: 'v1', layers: 1, sizeBytes: 3 * MIB }
/** A token does not live as long as the layer takes. */
const LIFETIME_S = 1.5
const TIMEOUT_MS = 20_000

let cluster: TestCluster
let front: FrontServer
let seen: SeenRequest[]

beforeEach(async () => {
  seen = []
  cluster = await startCluster()
  await cluster.registry.generateImage(APP)
  const accounts = [{ ...ROBOT, pulls: ['library/'] }]
  const registry = createBearerRegistry({
    ...{ registryUrl: cluster.registry.url, accounts, realm: '/token' },
    ...{ tokenLifetimeSeconds: LIFETIME_S, cutAtExpiry: true, bytesPerSecond: MIB },
    tokens: { methods: ['GET'], names: ['token'], expiresInSeconds: LIFETIME_S },
  })
  front = await startFrontServer('registry', { listen: '127.0.0.1:0' }, registry, request => void seen.push(request))
})

afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
  await front.stop()
})

/** Preheats the image with a token that was made just now. */
async function preheated(account: typeof ROBOT | undefined): Promise<PreheatJob> {
  const { host } = new URL(front.url)
  const upstream = { url: front.url, ...(account !== undefined && { account }) }
  const supernode = await cluster.supernode({}, { upstreams: { [host]: upstream } })
  await cluster.dfdaemons(1, { supernode: supernode.url })
  const linked = async () => (await ask(`${supernode.url}/api/v1/peers`)).body.toString() !== '[]'
  await waitFor(linked, { timeoutMs: TIMEOUT_MS, what: 'the node to link' })
  const client = createPreheatClient(supernode.url)
  const scope = encodeURIComponent(`repository:${APP.repository}:pull`)
  const headers = { authorization: basicOf(ROBOT) }
  const { body } = await ask(`${front.url}/token?service=bearer-registry&scope=${scope}`, { headers })
  const { token } = JSON.parse(body.toString()) as { token: string }
  const options = () => ({ signal: AbortSignal.timeout(TIMEOUT_MS) })
  const image = `${host}/${APP.repository}:${APP.tag}`
  const wanted = { image, headers: { authorization: `Bearer ${token}` } }
  const { id } = await client.start(wanted, options())
  const ended = async () => {
    const job = await client.show(id, options())
    return job.endedAt === null ? undefined : job
  }
  return waitFor(ended, { timeoutMs: TIMEOUT_MS, what: 'the job to end' })
}

test("a token that ends while a layer is read is followed by the supernode's own account, and at most a block is read twice", async () => {
  const job = await preheated(ROBOT)
  expect(job).toMatchObject({ state: 'succeeded', reason: null, nodes: { done: 1, total: 1 } })
  const sent = [...sentBytesOfBlobs(seen).values()].reduce((sum, bytes) => sum + bytes, 0)
  expect(sent).toBeLessThan((job.sizeBytes ?? 0) + blockSizeFor(APP.sizeBytes))
})

test('a token that ends while a layer is read, without an account, is a failure that says what to do', async () => {
  expect(await preheated(undefined)).toMatchObject({
    state: 'failed',
    reason: { code: 'UNAUTHORIZED', message: expect.stringContaining('an account under upstreams') },
  })
})
