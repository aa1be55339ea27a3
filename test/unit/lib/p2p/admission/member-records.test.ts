import type { MessageStream, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { memberRecords } from '../../../../../lib/p2p/admission/member-records.ts'
import { takeBytes } from '../../../../../lib/p2p/direct-source.ts'
import { noiseRecords } from '../../../../../lib/p2p/records/noise-records.ts'
import { RecordStream } from '../../../../../lib/p2p/records/record-stream.ts'
import type { DamselflyError } from '../../../../../protocol/errors.ts'
import { CLOCK_TOLERANCE_MS, MAX_MEMBERSHIP_BYTES } from '../../../../../protocol/membership.ts'
import { MEMBER_RECORDS_PROTOCOL } from '../../../../../protocol/protocol-ids.ts'
import { taskIdOfUrl } from '../../../../../protocol/task.ts'
import { signTicket } from '../../../../../protocol/ticket.ts'
import { seededBytes } from '../../../../helpers/blob.ts'
import { createManualClock } from '../../../../helpers/manual-clock.ts'
import { CLUSTER, credentialOf, MEMBERSHIP_LIFE_MS, OTHER_CLUSTER } from '../../../../helpers/membership.ts'
import { receive, sendAll } from '../../../../helpers/received.ts'
import {
  connectionPair,
  type EncrypterFactory,
  type Passing,
  relayedPair,
  type UnsecuredEnd,
  unsecuredEnds,
} from '../../../../helpers/secured-pair.ts'
import { createTestAdmission, type TestAdmission } from '../../../../helpers/test-admission.ts'
import { waitFor } from '../../../../helpers/wait.ts'

const PEER = '12D3KooWF4gBM61fACw1tezY9wmCLzTrBiMnkB8mByGGTYAkuGjK'
const clock = createManualClock()
const NOW = clock.wallTime()

/** A member at one end of a connection. */
interface Member {
  readonly factory: (peer: PeerId) => EncrypterFactory
  admission(): TestAdmission
  readonly admitted: { readonly peer: string; readonly expiresAt: number; readonly told: Uint8Array }[]
  readonly refused: DamselflyError[]
}

/** @param shows what it shows instead of its credential */
function member({
  shows,
  deadlineMs = 10_000,
}: {
  shows?: (peer: string) => Uint8Array | undefined
  deadlineMs?: number
} = {}): Member {
  let made: TestAdmission | undefined
  const self: Member = {
    admitted: [],
    refused: [],
    admission() {
      if (made === undefined) throw new Error('not in use yet')
      return made
    },
    factory(peer) {
      const admission = createTestAdmission(peer.toString(), clock)
      made = admission
      if (shows !== undefined) admission.show(shows(peer.toString()))
      return memberRecords({
        admission,
        admitted: (id, expiresAt, told) => void self.admitted.push({ peer: id, expiresAt, told }),
        refused: (_, error) => void self.refused.push(error),
        deadlineMs,
      })
    },
  }
  return self
}

async function secured(
  connections: readonly [MultiaddrConnection, MultiaddrConnection],
  ...members: readonly Member[]
): Promise<[MessageStream, MessageStream, UnsecuredEnd, UnsecuredEnd]> {
  const [initiator, responder] = await unsecuredEnds(
    connections,
    members.map(({ factory }) => factory),
  )
  const [outbound, inbound] = await Promise.all([initiator.secure(responder.peer), responder.secure()])
  return [outbound, inbound, initiator, responder]
}

test('two members send each other what they like, over records as before', async () => {
  const [one, other] = [member(), member()]
  const [outbound, inbound, initiator, responder] = await secured(connectionPair(), one, other)
  for (const end of [outbound, inbound]) expect(end).toBeInstanceOf(RecordStream)
  const expiresAt = NOW + MEMBERSHIP_LIFE_MS + CLOCK_TOLERANCE_MS
  expect(one.admitted).toEqual([{ peer: responder.peer.toString(), expiresAt, told: one.admission().own() }])
  expect(other.admitted).toEqual([{ peer: initiator.peer.toString(), expiresAt, told: other.admission().own() }])

  const [atInitiator, atResponder] = [receive(outbound), receive(inbound)]
  const [question, answer] = [seededBytes(1024 * 1024, 'question'), seededBytes(1000, 'answer')]
  await Promise.all([sendAll(outbound, question), sendAll(inbound, answer)])
  expect((await atResponder.until(question.length)).equals(question)).toBe(true)
  expect((await atInitiator.until(answer.length)).equals(answer)).toBe(true)
})

test('what comes afterwards goes to whoever takes it without detours', async () => {
  const [outbound, inbound] = await secured(connectionPair(), member(), member())
  let [taken, events] = [0, 0]
  takeBytes(inbound, bytes => {
    taken += bytes.length
  })
  inbound.addEventListener('message', () => events++)
  await sendAll(outbound, seededBytes(100_000))
  await waitFor(() => taken === 100_000, { timeoutMs: 10_000, intervalMs: 2 })
  expect(events).toBe(0)
})

test('what the initiator says right after its credential arrives', async () => {
  const [initiator, responder] = await unsecuredEnds(connectionPair(), [member().factory, member().factory])
  const securing = responder.secure()
  const text = seededBytes(100)
  ;(await initiator.secure(responder.peer)).send(text)
  expect((await receive(await securing).until(text.length)).equals(text)).toBe(true)
})

test('a connection that comes byte by byte is one like any', async () => {
  const single: Passing = bytes => Array.from(bytes, byte => Uint8Array.of(byte))
  const [outbound, inbound] = await secured(
    relayedPair({ toResponder: single, toInitiator: single }),
    member(),
    member(),
  )
  const received = receive(inbound)
  outbound.send(Buffer.from('hello'))
  expect((await received.until(5)).toString()).toBe('hello')
})

const WRONG: Readonly<Record<string, (peer: string) => Uint8Array>> = {
  'a credential of another cluster': peer => credentialOf(peer, NOW, {}, OTHER_CLUSTER),
  'that of another peer': () => credentialOf(PEER, NOW),
  'one that has expired': peer => credentialOf(peer, NOW - MEMBERSHIP_LIFE_MS - CLOCK_TOLERANCE_MS - 1),
  'a ticket': peer => {
    const task = taskIdOfUrl({ url: 'http://origin.example/' })
    return Buffer.from(signTicket({ task, peer, expiresAt: NOW + 60_000 }, CLUSTER), 'base64url')
  },
  nothing: () => new Uint8Array(0),
  garbage: () => seededBytes(200),
  'too much': () => seededBytes(MAX_MEMBERSHIP_BYTES + 1),
}

test.each(Object.entries(WRONG))('whoever shows %s is refused, whoever dials', async (_, shows) => {
  for (const stranger of [0, 1]) {
    const honest = member()
    const liar = member({ shows })
    const factories = (stranger === 0 ? [liar, honest] : [honest, liar]).map(({ factory }) => factory)
    const ends = await unsecuredEnds(connectionPair(), factories)
    const outcomes = await Promise.allSettled([ends[0].secure(ends[1].peer), ends[1].secure()])
    expect(outcomes[1 - stranger]).toMatchObject({ status: 'rejected', reason: { code: 'NOT_A_MEMBER' } })
    expect(honest.refused).toHaveLength(1)
    expect(honest.admitted).toEqual([])
    expect(ends[1 - stranger]?.connection.status).toBe('aborted')
  }
})

test('a node with nothing to show neither makes nor takes a connection', async () => {
  for (const stranger of [0, 1]) {
    const members = [member(), member()]
    members[stranger] = member({ shows: () => undefined })
    const [initiator, responder] = await unsecuredEnds(
      connectionPair(),
      members.map(({ factory }) => factory),
    )
    const outcomes = await Promise.allSettled([initiator.secure(responder.peer), responder.secure()])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(outcomes[stranger]).toMatchObject({
      reason: { code: 'NOT_A_MEMBER', message: expect.stringContaining('this node has no membership credential') },
    })
  }
})

test.each(['says nothing', 'hangs up', 'says half of it', 'floods'])(
  'whoever %s after the handshake is refused',
  async does => {
    const honest = member({ deadlineMs: does.startsWith('says') ? 200 : 60_000 })
    const [stranger, responder] = await unsecuredEnds(connectionPair(), [
      () => noiseRecords(MEMBER_RECORDS_PROTOCOL),
      honest.factory,
    ])
    const refused = expect(responder.secure()).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    const connection = await stranger.secure(responder.peer)
    // The first of the two bytes of a length.
    if (does === 'says half of it') connection.send(Buffer.of(0))
    if (does === 'floods') connection.send(Buffer.alloc(6 * 1024 * 1024, 0xff))
    if (does === 'hangs up') await connection.close()
    await refused
    expect(honest.refused).toHaveLength(1)
    expect(responder.connection.status).not.toBe('open')
  },
)

test('an end that asks for no credentials is refused in the handshake', async () => {
  const honest = member()
  const [trial, responder] = await unsecuredEnds(connectionPair(), [() => noiseRecords(), honest.factory])
  const asking = trial.secure(responder.peer).catch(error => error)
  await expect(Promise.race([asking.then(error => Promise.reject(error)), responder.secure()])).rejects.toThrow()
  for (const end of [trial, responder]) end.connection.abort(new Error('refused'))
  expect(await asking).toBeInstanceOf(Error)
  expect(honest.admitted).toEqual([])
})

test('many lengths of what is no credential end each in one refusal', async () => {
  for (const length of [1, 63, 64, 65, MAX_MEMBERSHIP_BYTES]) {
    const honest = member()
    const [stranger, responder] = await unsecuredEnds(connectionPair(), [
      () => noiseRecords(MEMBER_RECORDS_PROTOCOL),
      honest.factory,
    ])
    const refused = expect(responder.secure()).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    const connection = await stranger.secure(responder.peer)
    connection.send(Buffer.concat([Buffer.of(length >> 8, length & 0xff), seededBytes(length)]))
    await refused
    expect(honest.refused).toHaveLength(1)
  }
})
