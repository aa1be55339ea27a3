import { connect } from 'node:net'
import type { Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { CLOCK_TOLERANCE_MS, MAX_MEMBERSHIP_BYTES } from '../../protocol/membership.ts'
import { CONTROL_PROTOCOL, MEMBERSHIP_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { signTicket } from '../../protocol/ticket.ts'
import { seededBytes } from '../helpers/blob.ts'
import { startExchangeNode } from '../helpers/block-exchange.ts'
import { createManualClock } from '../helpers/manual-clock.ts'
import { CLUSTER, credentialOf, MEMBERSHIP_LIFE_MS, OTHER_CLUSTER } from '../helpers/membership.ts'
import { receive } from '../helpers/received.ts'
import { fetchBlock, type MemberNode, startMember } from '../helpers/test-admission.ts'
import { waitFor } from '../helpers/wait.ts'

const PATIENCE = { timeoutMs: 10_000, intervalMs: 2 }
const LASTS_MS = MEMBERSHIP_LIFE_MS + CLOCK_TOLERANCE_MS
const signal = () => AbortSignal.timeout(PATIENCE.timeoutMs)

test.concurrent('members exchange blocks', async ({ expect }) => {
  await using stack = new AsyncDisposableStack()
  const [one, other] = [await startMember(stack), await startMember(stack)]
  await fetchBlock(one.exchange, other.exchange)
  await fetchBlock(other.exchange, one.exchange)
  for (const { admission } of [one, other]) {
    expect(admission.shown).toHaveLength(1)
    expect(admission.refusals).toEqual([])
  }
})

const STRANGERS: Readonly<Record<string, (peer: string, other: string) => Uint8Array | undefined>> = {
  'has no credential': () => undefined,
  'has one of another cluster': peer => credentialOf(peer, Date.now(), {}, OTHER_CLUSTER),
  'has that of another peer': (_, other) => credentialOf(other, Date.now()),
  'has one that has expired': peer => credentialOf(peer, Date.now() - LASTS_MS - 1_000),
  'shows a ticket in its place': peer => {
    const claims = { task: `url:${'a'.repeat(64)}`, peer, expiresAt: Date.now() + 60_000 }
    return Buffer.from(signTicket(claims as Parameters<typeof signTicket>[0], CLUSTER), 'base64url')
  },
  'shows garbage': () => seededBytes(150),
  'shows nothing': () => new Uint8Array(0),
  'shows too much': () => seededBytes(MAX_MEMBERSHIP_BYTES + 1),
}

test.concurrent.each(Object.entries(STRANGERS))('a node that %s gets no connection', async (_, shows) => {
  await using stack = new AsyncDisposableStack()
  const [one, other, stranger] = [await startMember(stack), await startMember(stack), await startMember(stack)]
  stranger.admission.show(shows(stranger.peer, other.peer))
  const notAMember = { code: 'NOT_A_MEMBER' }
  await expect(dial(stranger, one)).rejects.toMatchObject(notAMember)
  // Without anything to show, it does not even say who it is.
  await expect(dial(one, stranger)).rejects.toMatchObject(stranger.admission.own() ? notAMember : {})
  await expect(fetchBlock(one.exchange, stranger.exchange)).rejects.toThrow()
  expect(one.exchange.readBytes).toBe(0)
  await fetchBlock(one.exchange, other.exchange)
})

test.concurrent('a node that speaks for everybody and one for members have nothing to say to each other', async ({
  expect,
}) => {
  await using stack = new AsyncDisposableStack()
  const member = await startMember(stack)
  const trial = stack.use(await startExchangeNode())
  await expect(trial.node.dial(member.address, CONTROL_PROTOCOL, { signal: signal() })).rejects.toThrow()
  await expect(member.node.dial(trial.address, CONTROL_PROTOCOL, { signal: signal() })).rejects.toThrow()
  expect(member.admission.shown).toEqual([])
})

test.concurrent.each([
  ['garbage', seededBytes(100_000)],
  ['nothing', new Uint8Array(0)],
])('whoever sends %s in place of a handshake is disconnected, and harms nobody', async (_, bytes) => {
  await using stack = new AsyncDisposableStack()
  const [one, other] = [await startMember(stack), await startMember(stack)]
  const [, , host = '', , port] = one.address.addresses[0]?.split('/') ?? []
  const sockets = Array.from({ length: 20 }, () => connect({ host, port: Number(port) }))
  let closed = 0
  for (const socket of sockets) {
    stack.defer(() => void socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => closed++)
    socket.resume()
    socket.write(bytes)
  }
  await fetchBlock(one.exchange, other.exchange)
  await waitFor(() => closed === sockets.length, { timeoutMs: 20_000 })
})

test.concurrent.each([-1, 1])('a member whose clock is off by %i h exchanges blocks like any', async hours => {
  await using stack = new AsyncDisposableStack()
  const issuedAt = Date.now()
  const skewed = createManualClock(issuedAt + hours * 3_600_000)
  const members = [await startMember(stack, { clock: skewed }), await startMember(stack)] as const
  for (const ageMs of [0, MEMBERSHIP_LIFE_MS / 2]) {
    for (const { admission, peer } of members) admission.renew(credentialOf(peer, issuedAt - ageMs))
    await fetchBlock(members[0].exchange, members[1].exchange)
    await fetchBlock(members[1].exchange, members[0].exchange)
  }
})

test('who renews its credential keeps its connections, and who does not loses them', async () => {
  await using stack = new AsyncDisposableStack()
  const clock = createManualClock()
  const [one, other, lazy] = [
    await startMember(stack, { clock }),
    await startMember(stack, { clock }),
    await startMember(stack, { clock }),
  ]
  const kept = await held(one, other)
  const lost = await held(one, lazy)
  for (let renewal = 1; renewal <= 4; renewal++) {
    clock.advance(MEMBERSHIP_LIFE_MS / 2)
    for (const node of [one, other]) node.admission.renew(credentialOf(node.peer, clock.wallTime()))
    await waitFor(() => other.admission.shown.length === 1 + renewal, PATIENCE)
    await waitFor(() => one.admission.shown.length === 2 + renewal, PATIENCE)
  }
  expect(lost.closed).toBeUndefined()
  clock.advance(LASTS_MS - 2 * MEMBERSHIP_LIFE_MS + 2_000)
  await waitFor(() => lost.closed, PATIENCE)
  expect(one.admission.refusals).toMatchObject([{ peer: lazy.peer, error: { code: 'NOT_A_MEMBER' } }])
  expect(kept.closed).toBeUndefined()

  // The end of the connection is on its way to it.
  await waitFor(async () => (await dial(lazy, one).catch(error => error)).code === 'NOT_A_MEMBER', PATIENCE)
  lazy.admission.renew(credentialOf(lazy.peer, clock.wallTime()))
  await fetchBlock(one.exchange, lazy.exchange)
})

test('a credential that is renewed while a connection is made is shown at once', async () => {
  await using stack = new AsyncDisposableStack()
  const clock = createManualClock()
  const [one, other] = [await startMember(stack, { clock }), await startMember(stack, { clock })]
  const renewed = credentialOf(one.peer, clock.wallTime() + 1)
  other.admission.beforeCheck = () => {
    other.admission.beforeCheck = () => {}
    one.admission.renew(renewed)
  }
  await held(one, other)
  await waitFor(() => other.admission.shown.length === 2, PATIENCE)
  expect(Buffer.compare(other.admission.shown[1]?.bytes ?? new Uint8Array(0), renewed)).toBe(0)
})

const RENEWALS: Readonly<Record<string, (peer: string) => Uint8Array>> = {
  'what is no credential': () => withLength(seededBytes(100)),
  'that of another peer': () => withLength(credentialOf('12D3KooWOther', Date.now())),
  'one of another cluster': peer => withLength(credentialOf(peer, Date.now(), {}, OTHER_CLUSTER)),
  'too much': () => withLength(new Uint8Array(MAX_MEMBERSHIP_BYTES + 1)),
  'no length that there is': () => new Uint8Array(20).fill(0xff),
}

test.concurrent.each(Object.entries(RENEWALS))('a member that shows %s later is cut off', async (_, shows) => {
  await using stack = new AsyncDisposableStack()
  const [one, other, liar] = [await startMember(stack), await startMember(stack), await startMember(stack)]
  const kept = await held(one, other)
  const lost = await held(liar, one)
  const stream = await liar.node.dial(one.address, MEMBERSHIP_PROTOCOL, { signal: signal() })
  stream.send(shows(liar.peer))
  await waitFor(() => lost.closed, PATIENCE)
  expect(one.admission.refusals).toMatchObject([{ peer: liar.peer }])
  expect(kept.closed).toBeUndefined()
})

test.concurrent('a stream that ends before it has shown a credential changes nothing', async ({ expect }) => {
  await using stack = new AsyncDisposableStack()
  const [one, other] = [await startMember(stack), await startMember(stack)]
  const kept = await held(one, other)
  const stream = await one.node.dial(other.address, MEMBERSHIP_PROTOCOL, { signal: signal() })
  const received = receive(stream)
  stream.send(Uint8Array.of(0, 100, 1))
  await stream.close()
  await waitFor(() => received.ended || received.closed, PATIENCE)
  expect(other.admission.refusals).toEqual([])
  expect(kept.closed).toBeUndefined()
})

function dial(from: MemberNode, to: MemberNode): Promise<Stream> {
  return from.node.dial(to.address, MEMBERSHIP_PROTOCOL, { signal: signal() })
}

/** A stream between two nodes on which nothing is said, so that it ends with the connection. */
async function held(from: MemberNode, to: MemberNode) {
  await to.node.handle(CONTROL_PROTOCOL, () => {})
  return receive(await from.node.dial(to.address, CONTROL_PROTOCOL, { signal: signal() }))
}

function withLength(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}
