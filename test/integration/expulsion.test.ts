import type { Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { SupernodeLink } from '../../dfget/peer/swarm/supernode-link.ts'
import { systemClock } from '../../lib/clock.ts'
import { ClusterClock } from '../../lib/cluster-clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import type { Expulsion } from '../../protocol/messages/fields.ts'
import { CONTROL_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { serveControl } from '../../supernode/control/control-server.ts'
import { SwarmDirector } from '../../supernode/control/swarm-director.ts'
import { createSchedulerState } from '../../supernode/scheduler/state.ts'
import { downloadEndlessly, type ExchangeNode, startExchangeNode } from '../helpers/block-exchange.ts'
import { createManualClock } from '../helpers/manual-clock.ts'
import { CLUSTER } from '../helpers/membership.ts'
import { NO_FETCHES } from '../helpers/no-fetches.ts'
import { receive } from '../helpers/received.ts'
import { fetchBlock, type MemberNode, startMember } from '../helpers/test-admission.ts'
import { waitFor } from '../helpers/wait.ts'

/** What an expulsion may take until the last connection has ended. */
const LIMIT = { timeoutMs: 10_000, intervalMs: 2 }
const HOUR_MS = 3_600_000
const TIDINGS = '/test/tidings/1.0.0'
const signal = () => AbortSignal.timeout(LIMIT.timeoutMs)

/** A supernode, as far as it tells peers who is expelled. */
async function startTeller(stack: AsyncDisposableStack) {
  const { node, address, peer, exchange } = await startMember(stack)
  const logger = silentLogger()
  const listed: Expulsion[] = []
  const nothing = () => {}
  const director = new SwarmDirector(
    {
      findTask: async () => undefined,
      shapeOf: async () => undefined,
      ticketVerifier: {
        verify() {
          throw new Error('not in this test')
        },
      },
      clock: systemClock,
      logger,
      account: { report: nothing, granted: nothing, invalidMessage: nothing, message: nothing, scheduled: nothing },
      replicas: { linked: nothing, gone: nothing, kept: nothing, refused: nothing },
      fetches: NO_FETCHES,
      expulsions: { current: () => listed },
      forbidden: () => [],
      refuse: peers => node.expel(peers),
      uploads: { expect: nothing },
      record: nothing,
    },
    createSchedulerState(1),
  )
  await director.start()
  stack.defer(() => director.stop())
  await serveControl({ node, director, logger, account: { invalidMessage: nothing } })
  return {
    node,
    peer,
    exchange,
    director,
    listed,
    /** Links a member to it, as a peer does. */
    async link(member: MemberNode): Promise<SupernodeLink> {
      const cluster = async () => ({ supernode: address, clusterKey: CLUSTER.publicKey, now: Date.now() })
      const client = { cluster, register: () => Promise.reject(new Error('not in this test')) }
      const listener = { message: nothing, linked: nothing, unlinked: nothing }
      const components = { client, node: member.node, clock: new ClusterClock(systemClock), logger, listener }
      const link = new SupernodeLink(components, { labels: {}, keeps: false, fetches: false })
      await link.start()
      stack.defer(() => link.stop())
      await waitFor(() => director.peers().some(({ id }) => id === member.peer), LIMIT)
      return link
    },
  }
}

test('an expelled member loses all its connections, linked or not, and the pulls of others go on', async () => {
  await using stack = new AsyncDisposableStack()
  const supernode = await startTeller(stack)
  const [one, other, linked, unlinked] = [
    await startMember(stack),
    await startMember(stack),
    await startMember(stack),
    await startMember(stack),
  ]
  for (const member of [one, other, linked]) await supernode.link(member)
  const good = stack.use(endless(other, one))
  const back = stack.use(endless(one, other))
  const held = [
    await hold(linked, one),
    await hold(other, linked),
    await hold(unlinked, one),
    await hold(other, unlinked),
    await hold(unlinked, supernode.exchange),
  ]

  const until = Date.now() + HOUR_MS
  const startedAt = performance.now()
  supernode.director.expel([linked.peer, unlinked.peer].map(id => ({ id, until })))
  await waitFor(() => held.every(stream => stream.closed), LIMIT)
  expect(performance.now() - startedAt).toBeLessThan(LIMIT.timeoutMs)
  expect(supernode.director.peers().map(({ id }) => id)).toEqual([one.peer, other.peer])

  for (const stranger of [linked, unlinked]) {
    for (const member of [one, other]) {
      await expect(dial(stranger, member.exchange)).rejects.toThrow()
      await expect(dial(member, stranger.exchange)).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    }
    await expect(dial(stranger, supernode.exchange)).rejects.toThrow()
  }
  const before = [good.bytes, back.bytes]
  await waitFor(() => good.bytes > (before[0] ?? 0) && back.bytes > (before[1] ?? 0), LIMIT)
})

test('whoever links later is told who is expelled', async () => {
  await using stack = new AsyncDisposableStack()
  const supernode = await startTeller(stack)
  const [late, expelled] = [await startMember(stack), await startMember(stack)]
  const held = await hold(late, expelled)
  // More than go into one message.
  const until = Date.now() + HOUR_MS
  supernode.listed.push(
    ...Array.from({ length: 1_500 }, (_, index) => ({ id: `12D3KooW${`${index}`.replaceAll('0', 'z')}`, until })),
  )
  supernode.listed.push({ id: expelled.peer, until })
  await supernode.link(late)
  await waitFor(() => held.closed, LIMIT)
  await expect(dial(late, expelled.exchange)).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
})

test('a supernode that starts again refuses whom it has expelled before', async () => {
  await using stack = new AsyncDisposableStack()
  const supernode = await startTeller(stack)
  const expelled = await startMember(stack)
  supernode.listed.push({ id: expelled.peer, until: Date.now() + HOUR_MS })
  await supernode.director.stop()
  await supernode.director.start()
  await expect(dial(expelled, supernode.exchange)).rejects.toThrow()
})

test('an expulsion ends, by itself or when it is lifted', async () => {
  await using stack = new AsyncDisposableStack()
  const clock = createManualClock()
  const [one, other] = [await startMember(stack, { clock }), await startMember(stack, { clock })]
  for (const end of ['by itself', 'lifted']) {
    await fetchBlock(one.exchange, other.exchange)
    one.node.expel([{ id: other.peer, until: clock.wallTime() + 60_000 }])
    await waitFor(async () => (await dial(one, other.exchange).catch(error => error)).code === 'NOT_A_MEMBER', LIMIT)
    await expect(dial(other, one.exchange)).rejects.toThrow()
    if (end === 'by itself') clock.advance(60_000)
    else one.node.expel([{ id: other.peer, until: 0 }])
  }
  await fetchBlock(one.exchange, other.exchange)
})

test('nodes that admit everybody expel too, and none expels itself', async () => {
  await using stack = new AsyncDisposableStack()
  const [one, other] = [stack.use(await startExchangeNode()), stack.use(await startExchangeNode())]
  await fetchBlock(one, other)
  const until = Date.now() + HOUR_MS
  one.node.expel([
    { id: one.node.peerId, until },
    { id: 'notAPeerId', until },
  ])
  await fetchBlock(one, other)
  one.node.expel([{ id: other.node.peerId, until }])
  await expect(fetchBlock(one, other)).rejects.toThrow()
  await expect(fetchBlock(other, one)).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
})

function endless(to: MemberNode, from: MemberNode) {
  return downloadEndlessly(to.exchange.client(from.exchange), to.exchange.want())
}

/** A stream that ends with the connection. */
async function hold(from: MemberNode, to: MemberNode | ExchangeNode) {
  const exchange = 'exchange' in to ? to.exchange : to
  await exchange.node.handle(TIDINGS, () => {}).catch(() => {})
  return receive(await from.node.dial(exchange.address, TIDINGS, { signal: signal() }))
}

function dial(from: MemberNode, to: ExchangeNode): Promise<Stream> {
  return from.node.dial(to.address, CONTROL_PROTOCOL, { signal: signal() })
}
