import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { createSupernodeClient } from '../../supernode/client/supernode-client.ts'
import { seedBlob } from '../helpers/blob.ts'
import { onlyTask, startCluster } from '../helpers/cluster.ts'
import { startHttpServer } from '../helpers/http-server.ts'
import { pullBlob } from '../helpers/pull.ts'

const SIGNAL = new AbortController().signal
const REFUSED = { code: 'TOOMANYREQUESTS', message: 'too many requests' }
const CONTENT = { peerId: 'peer', source: { url: 'http://origin.example/file', headers: {} } }
const ADMITTED = {
  state: 'admitted',
  taskId: `sha256:${'0'.repeat(64)}`,
  blockSizeBytes: 256 * 1024,
  ticket: 'ticket',
  ticketExpiresAt: 1,
  supernode: { id: 'supernode', addresses: [] },
  clusterKey: 'key',
  now: 1,
}

test('a pull goes on from its origin when the supernode has too many requests', async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode({
    'requests.perIdentity.perSecond': '0.01',
    'requests.perIdentity.burst': '1',
  })
  await (await request(`${supernode.url}/api/v1/cluster`)).body.dump()
  const node = await cluster.dfdaemon({ supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, 600_000)
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: 600_000 })
  expect((await onlyTask(node)).account).toMatchObject({
    originReasons: [{ why: 'not-registered', code: 'TOOMANYREQUESTS' }],
  })
  const refusal = await request(`${supernode.url}/api/v1/cluster`)
  expect([refusal.statusCode, Number(refusal.headers['retry-after']) > 0]).toEqual([429, true])
  expect(await refusal.body.json()).toMatchObject({ code: 'TOOMANYREQUESTS' })
  expect(await (await request(`${supernode.url}/_ping`)).body.text()).toBe('OK')
})

test('pulls are not limited by their number', async () => {
  await using cluster = await startCluster()
  const node = await cluster.dfdaemon({ 'requests.perIdentity.perSecond': '0.01', 'requests.perIdentity.burst': '1' })
  const blob = await seedBlob(cluster.registry, 1_000)
  for (let pull = 0; pull < 5; pull++) expect(await pullBlob(node, blob)).toMatchObject({ status: 200 })
  const statuses = []
  for (let count = 0; count < 2; count++) {
    const { statusCode, body } = await request(`${node.url}/api/v1/tasks`)
    await body.dump()
    statuses.push(statusCode)
  }
  expect(statuses).toEqual([200, 429])
})

test.each([
  ['once', [429, 200], 'admitted', 2],
  ['twice', [429, 429, 200], 'TOOMANYREQUESTS', 2],
] as const)(
  'a supernode that refuses %s is asked again after a short wait, once',
  async (_, statuses, outcome, asked) => {
    const left = [...statuses]
    let count = 0
    const server = await startHttpServer((_request, response) => {
      count++
      const status = left.shift() ?? 500
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' })
      response.end(JSON.stringify(status === 200 ? ADMITTED : REFUSED))
    })
    const registered = createSupernodeClient(server.url).register(CONTENT, { signal: SIGNAL })
    expect(
      await registered.then(
        ({ state }) => state,
        ({ code }) => code,
      ),
    ).toBe(outcome)
    expect(count).toBe(asked)
  },
)

test('an origin that refuses by way of the supernode is not asked again', async () => {
  let count = 0
  const server = await startHttpServer((_request, response) => {
    count++
    response.writeHead(429, { 'content-type': 'application/json' }).end(JSON.stringify(REFUSED))
  })
  onTestFinished(() => server.close())
  const registered = createSupernodeClient(server.url).register(CONTENT, { signal: SIGNAL })
  await expect(registered).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' })
  expect(count).toBe(1)
})
