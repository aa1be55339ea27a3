import { noise } from '@chainsafe/libp2p-noise'
import { expect, test } from 'vitest'
import { sealedBytes } from '../../../../../lib/p2p/records/record-cipher.ts'
import { seededBytes } from '../../../../helpers/blob.ts'
import { muxerEnd, openStream } from '../../../../helpers/muxer-pair.ts'
import { receive, sendAll } from '../../../../helpers/received.ts'
import {
  connectionPair,
  type Passing,
  relayedPair,
  securedPair,
  unsecuredEnds,
} from '../../../../helpers/secured-pair.ts'
import { waitFor } from '../../../../helpers/wait.ts'

const MIB = 1024 * 1024
const PATIENCE = { timeoutMs: 10_000, intervalMs: 2 }

/** Noise's message with the secret of an end: its length, the secret, a tag. */
const SECRET_MESSAGE_BYTES = 2 + 32 + 16

/** What a connection keeps for a reader, at most, where a test wants it small. */
const READ_BUFFER_BYTES = 256 * 1024

test('what each end sends arrives at the other', async () => {
  const [initiator, responder] = await securedPair()
  const [atInitiator, atResponder] = [receive(initiator), receive(responder)]
  const [question, answer] = [seededBytes(MIB, 'question'), seededBytes(MIB + 1, 'answer')]
  await Promise.all([sendAll(initiator, question), sendAll(responder, answer)])
  expect((await atResponder.until(question.length)).equals(question)).toBe(true)
  expect((await atInitiator.until(answer.length)).equals(answer)).toBe(true)
})

test('pieces sent in one turn share records', async () => {
  let passed = 0
  const counting: Passing = bytes => {
    passed += bytes.length
    return [bytes]
  }
  const [initiator, responder] = await securedPair(relayedPair({ toResponder: counting }))
  const received = receive(responder)
  const handshakeBytes = passed
  const text = seededBytes(10_000)
  for (let at = 0; at < text.length; at += 100) initiator.send(text.subarray(at, at + 100))
  expect((await received.until(text.length)).equals(text)).toBe(true)
  expect(passed - handshakeBytes).toBe(sealedBytes(text.length))
})

test('bytes in one chunk with the last message of the handshake arrive at the responder', async () => {
  const text = seededBytes(1000)
  const toResponder = joinAfter(2, SECRET_MESSAGE_BYTES + sealedBytes(text.length))
  const [initiator, responder] = await unsecuredEnds(relayedPair({ toResponder }))
  const securing = responder.secure()
  const secured = await initiator.secure(responder.peer)
  secured.send(text)
  const received = receive(await securing)
  expect((await received.until(text.length)).equals(text)).toBe(true)
})

test('bytes in one chunk with the last message of the handshake arrive at the initiator', async () => {
  const text = seededBytes(1000)
  const toInitiator = joinAfter(1, SECRET_MESSAGE_BYTES + sealedBytes(text.length))
  const [initiator, responder] = await unsecuredEnds(relayedPair({ toInitiator }))
  const securing = initiator.secure(responder.peer)
  const secured = await responder.secure()
  secured.send(text)
  const received = receive(await securing)
  expect((await received.until(text.length)).equals(text)).toBe(true)
})

test('a connection that comes byte by byte is secured like any', async () => {
  const single: Passing = bytes => Array.from(bytes, byte => Uint8Array.of(byte))
  const [initiator, responder] = await securedPair(relayedPair({ toResponder: single, toInitiator: single }))
  const received = receive(responder)
  const text = seededBytes(100)
  initiator.send(text)
  expect((await received.until(text.length)).equals(text)).toBe(true)
})

test('who expects another peer refuses', async () => {
  const [initiator, responder] = await unsecuredEnds(connectionPair())
  const [other] = await unsecuredEnds(connectionPair())
  const answering = responder.secure().catch(() => {})
  await expect(initiator.secure(other.peer)).rejects.toThrow('does not match expected remote identity key')
  initiator.connection.abort(new Error('refused'))
  await answering
})

test('an end that speaks plain noise is refused', async () => {
  const [initiator, responder] = await unsecuredEnds(connectionPair())
  const { connection, privateKey, peer } = initiator
  const components = { privateKey, peerId: peer, logger: { forComponent: () => connection.log } }
  const plain = noise()(components as unknown as Parameters<ReturnType<typeof noise>>[0])
  const asking = plain.secureOutbound(connection, { skipStreamMuxerNegotiation: true })
  await expect(Promise.race([asking, responder.secure()])).rejects.toThrow()
  for (const end of [initiator, responder]) end.connection.abort(new Error('refused'))
  await expect(asking).rejects.toThrow()
})

test.each([
  ['nothing that noise says', seededBytes(200)],
  ['an empty message', new Uint8Array(2)],
  ['messages of no known key', Buffer.concat([Buffer.of(0, 32), seededBytes(32), Buffer.of(0, 100), seededBytes(100)])],
])('a peer that sends %s is refused', async (_, garbage) => {
  const [outbound, inbound] = connectionPair()
  const [, responder] = await unsecuredEnds([outbound, inbound])
  const securing = responder.secure()
  outbound.send(garbage)
  // It waits for the rest of a message, where there is none.
  outbound.close().catch(error => outbound.abort(error))
  await expect(securing).rejects.toThrow()
})

test('a peer that floods a handshake is cut off', async () => {
  const [outbound, inbound] = connectionPair({ inbound: { maxReadBufferLength: READ_BUFFER_BYTES } })
  const [, responder] = await unsecuredEnds([outbound, inbound])
  const refused = expect(responder.secure()).rejects.toThrow()
  const chunk = seededBytes(60_000)
  let arrived = 0
  inbound.addEventListener('message', ({ data }) => {
    arrived += data.byteLength
  })
  await waitFor(() => {
    if (inbound.status === 'open') outbound.send(chunk)
    return inbound.status === 'aborted'
  }, PATIENCE)
  await refused
  // Three messages are for noise, and not more than the buffer holds is kept for later.
  expect(arrived).toBeLessThanOrEqual(READ_BUFFER_BYTES + 3 * 2 ** 16 + chunk.length)
})

test('a peer that sends too much together with the end of its handshake is cut off', async () => {
  const flooded = joinAfter(2, SECRET_MESSAGE_BYTES)
  const toResponder: Passing = bytes =>
    flooded(bytes).map(chunk => (chunk.length === SECRET_MESSAGE_BYTES ? withFlood(chunk) : chunk))
  const options = { inbound: { maxReadBufferLength: READ_BUFFER_BYTES }, chunkSize: 2 * MIB }
  const [initiator, responder] = await unsecuredEnds(relayedPair({ ...options, toResponder }))
  const received = receive(responder.connection)
  const asking = initiator.secure(responder.peer).catch(() => {})
  await expect(responder.secure()).rejects.toThrow()
  expect(received.closed).toMatchObject({ message: 'too much data during the handshake' })
  expect(responder.connection.status).toBe('aborted')
  await asking
})

test.each(['toResponder', 'toInitiator'] as const)('a bit that flips on its way %s ends the connection', async way => {
  let flips = false
  const flipping: Passing = bytes => {
    if (flips) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    return [bytes]
  }
  const ends = relayedPair({ [way]: flipping })
  const secured = await securedPair(ends)
  const streams = await openStream(muxerEnd(secured[0]), muxerEnd(secured[1]))
  const received = streams.map(receive)
  streams[0].send(seededBytes(10))
  await received[1]?.until(10)

  flips = true
  streams[way === 'toResponder' ? 0 : 1].send(seededBytes(10))
  await Promise.all(received.map(one => one.untilClosed()))
  for (const stream of streams) expect(stream.status).not.toBe('open')
  expect(received.map(one => one.length)).toEqual([0, 10])
  for (const end of ends) await waitFor(() => end.status === 'aborted' || end.status === 'reset', PATIENCE)
  for (const connection of secured) expect(['aborted', 'reset']).toContain(connection.status)
})

test('a record that is not one ends the connection with its reason', async () => {
  const ends = connectionPair()
  const [initiator, responder] = await securedPair(ends)
  const [atInitiator, atResponder] = [receive(initiator), receive(responder)]
  ends[0].send(new Uint8Array(10))
  expect(await atResponder.untilClosed()).toMatchObject({ message: 'a record of 0 bytes' })
  expect(await atInitiator.untilClosed()).toBeInstanceOf(Error)
})

test('a sender waits for a reader that does not read, and goes on when it does', async () => {
  const [initiator, responder] = await securedPair()
  const [atInitiator, atResponder] = [receive(initiator), receive(responder)]
  responder.pause()
  const text = seededBytes(6 * MIB)
  const sending = sendAll(initiator, text)
  // The other direction goes on. Meanwhile as much could have been sent in this one.
  const answer = seededBytes(6 * MIB, 'answer')
  await Promise.all([sendAll(responder, answer), atInitiator.until(answer.length)])
  expect(atResponder.length).toBe(0)
  expect(responder.readBufferLength).toBeLessThan(MIB)
  expect(initiator.writableNeedsDrain).toBe(true)
  expect(initiator.writeBufferLength).toBeLessThan(MIB)
  responder.resume()
  await sending
  expect((await atResponder.until(text.length)).equals(text)).toBe(true)
})

test('what was sent before the end arrives before it', async () => {
  const [initiator, responder] = await securedPair()
  const received = receive(responder)
  const text = seededBytes(100_000)
  initiator.send(text)
  await initiator.close()
  expect(await received.untilClosed()).toBe('in order')
  expect((await received.until(text.length)).equals(text)).toBe(true)
})

test('what waits for room when a connection is closed still arrives', async () => {
  const [initiator, responder] = await securedPair()
  const received = receive(responder)
  const text = seededBytes(2 * MIB)
  initiator.send(text.subarray(0, MIB))
  await waitFor(() => initiator.writableNeedsDrain, PATIENCE)
  initiator.send(text.subarray(MIB))
  await initiator.close()
  expect(await received.untilClosed()).toBe('in order')
  expect((await received.until(text.length)).equals(text)).toBe(true)
})

test('closing does not wait for room on a connection that breaks, nor longer than it may', async () => {
  for (const end of ['breaks', 'takes too long'] as const) {
    const [initiator, responder] = await securedPair()
    responder.pause()
    initiator.send(seededBytes(MIB))
    await waitFor(() => initiator.writableNeedsDrain, PATIENCE)
    initiator.send(seededBytes(MIB))
    const stop = new AbortController()
    const closing = initiator.close({ signal: stop.signal })
    if (end === 'breaks') {
      initiator.abort(new Error('broken'))
      await closing
    } else {
      stop.abort()
      await expect(closing).rejects.toThrow()
      initiator.abort(new Error('took too long'))
    }
    expect(initiator.status).toBe('aborted')
  }
})

test('what streams were given before their connection is closed arrives', async () => {
  const ends = connectionPair()
  const secured = await securedPair(ends)
  const [initiator, responder] = [muxerEnd(secured[0]), muxerEnd(secured[1])]
  const text = seededBytes(700_000)
  const pairs = [await openStream(initiator, responder), await openStream(initiator, responder)]
  const received = pairs.map(([, accepted]) => receive(accepted))
  for (const [opened] of pairs) opened.send(text)
  await initiator.muxer.close()
  await secured[0].close()
  for (const one of received) {
    expect(await one.untilClosed()).toBe('in order')
    expect((await one.until(text.length)).equals(text)).toBe(true)
  }
})

/** Lets some of noise's messages pass as they come; joins what follows, until it is so many bytes, into one chunk. */
function joinAfter(messages: number, bytes: number): Passing {
  let held = Buffer.alloc(0)
  let left = messages
  let joined = false
  return chunk => {
    if (joined) return [chunk]
    held = Buffer.concat([held, chunk])
    const passed: Uint8Array[] = []
    for (; left > 0 && held.length >= 2 && held.length >= 2 + held.readUInt16BE(); left--) {
      const end = 2 + held.readUInt16BE()
      passed.push(held.subarray(0, end))
      held = held.subarray(end)
    }
    joined = left === 0 && held.length >= bytes
    return joined ? [...passed, held] : passed
  }
}

function withFlood(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, new Uint8Array(MIB)])
}
