import type { Stream } from '@libp2p/interface'
import { describe, expect, test } from 'vitest'
import { seededBytes } from '../../../../helpers/blob.ts'
import { type MuxerEnd, muxerEnd, muxerPair, openStream } from '../../../../helpers/muxer-pair.ts'
import { receive, sendAll } from '../../../../helpers/received.ts'
import { securedPair } from '../../../../helpers/secured-pair.ts'
import { waitFor } from '../../../../helpers/wait.ts'

const KIB = 1024
const MIB = 1024 * KIB
const PATIENCE = { timeoutMs: 10_000, intervalMs: 2 }

/** What a reader that does not read lets its sender send at first. */
const WINDOW_BYTES = 256 * KIB

describe.each([
  ['ours', 'ours'],
  ['ours', 'stock'],
  ['stock', 'ours'],
] as const)('from %s to %s', (opener, accepter) => {
  test('1 MiB each way on several streams at once arrives', async () => {
    const [initiator, responder] = muxerPair(opener, accepter)
    const pairs = [
      await openStream(initiator, responder),
      await openStream(responder, initiator),
      await openStream(initiator, responder),
      await openStream(responder, initiator),
    ]
    await Promise.all(
      pairs.flatMap(([one, other], index) => [
        expectToArrive(one, other, seededBytes(MIB + index, `there ${index}`)),
        expectToArrive(other, one, seededBytes(MIB + index, `back ${index}`)),
      ]),
    )
  })

  test('an end that has sent all is heard after its data, and still hears the other', async () => {
    const [initiator, responder] = muxerPair(opener, accepter)
    const [one, other] = await openStream(initiator, responder)
    const [atOne, atOther] = [receive(one), receive(other)]
    const question = seededBytes(300_000, 'question')
    one.send(question)
    const closing = one.close()
    expect((await atOther.untilEnded()).equals(question)).toBe(true)
    await closing
    expect(() => one.send(Uint8Array.of(1))).toThrow()
    expect([other.status, atOther.closed]).toEqual(['open', undefined])

    const answer = seededBytes(300_000, 'answer')
    other.send(answer)
    await other.close()
    expect((await atOne.untilEnded()).equals(answer)).toBe(true)
    expect(await Promise.all([atOne.untilClosed(), atOther.untilClosed()])).toEqual(['in order', 'in order'])
    await waitFor(() => initiator.muxer.streams.length + responder.muxer.streams.length === 0, PATIENCE)
  })

  test('data that wait for room are all sent before the end', async () => {
    const [initiator, responder] = muxerPair(opener, accepter)
    const [one, other] = await openStream(initiator, responder)
    const received = receive(other)
    other.pause()
    const text = seededBytes(3 * MIB)
    one.send(text)
    const closing = one.close()
    await untilUnsent(one, text.length - WINDOW_BYTES)
    other.resume()
    expect((await received.untilEnded()).equals(text)).toBe(true)
    await closing
  })

  test('a reset is seen at the other end, and by no other stream', async () => {
    const [initiator, responder] = muxerPair(opener, accepter)
    const [one, other] = await openStream(initiator, responder)
    const bystanders = await openStream(initiator, responder)
    const [atOne, atOther] = [receive(one), receive(other)]
    one.abort(new Error('broken'))
    expect(await atOne.untilClosed()).toMatchObject({ message: 'broken' })
    expect(await atOther.untilClosed()).toBeInstanceOf(Error)
    expect(other.status).toBe('reset')
    await expectToArrive(...bystanders, seededBytes(1000))
  })

  test('a reader that does not read holds up its own stream only', async () => {
    const [initiator, responder] = muxerPair(opener, accepter)
    const [one, other] = await openStream(initiator, responder)
    const received = receive(other)
    other.pause()
    const text = seededBytes(3 * MIB)
    one.send(text)
    // Its sender stops when the window is used up, and not before.
    await untilUnsent(one, text.length - WINDOW_BYTES)
    const bystanders = await openStream(initiator, responder)
    await expectToArrive(...bystanders, seededBytes(2 * MIB, 'bystander'))
    expect(text.length - one.writeBufferLength).toBe(WINDOW_BYTES)
    expect(received.length).toBe(0)

    other.resume()
    expect((await received.until(text.length)).equals(text)).toBe(true)
    expect(one.writeBufferLength).toBe(0)
  })

  test('a reader that wants no more does not hold up the other end', async () => {
    const [initiator, responder] = muxerPair(opener, accepter)
    const [one, other] = await openStream(initiator, responder)
    const received = receive(other)
    await other.closeRead()
    await sendAll(one, seededBytes(3 * MIB))
    await one.close()
    await received.untilEnded()
    expect(received.length).toBe(0)
  })

  test('a connection that is closed in order ends its streams in order', async () => {
    const [initiator, responder] = muxerPair(opener, accepter)
    const [one, other] = await openStream(initiator, responder)
    const [atOne, atOther] = [receive(one), receive(other)]
    const text = seededBytes(200_000)
    one.send(text)
    await closeEnd(initiator)
    expect(await Promise.all([atOne.untilClosed(), atOther.untilClosed()])).toEqual(['in order', 'in order'])
    expect((await atOther.until(text.length)).equals(text)).toBe(true)
    for (const { muxer } of [initiator, responder]) {
      expect(muxer.status).toBe('closed')
      await expect(muxer.createStream()).rejects.toThrow()
    }
  })

  test('a connection that breaks ends its streams', async () => {
    const [initiator, responder] = muxerPair(opener, accepter)
    const streams = await openStream(initiator, responder)
    const received = streams.map(receive)
    initiator.connection.abort(new Error('broken'))
    await Promise.all(received.map(one => one.untilClosed()))
    for (const { muxer } of [initiator, responder]) {
      expect(muxer.streams).toEqual([])
      await expect(muxer.createStream()).rejects.toThrow()
    }
  })
})

test('streams that send at the same time take turns', async () => {
  const [initiator, responder] = muxerPair()
  const pairs = [
    await openStream(initiator, responder),
    await openStream(initiator, responder),
    await openStream(initiator, responder),
  ]
  const received = pairs.map(([, other]) => receive(other))
  const text = seededBytes(900 * KIB)
  /** How much the stream that was furthest had when each got its first bytes. */
  const started = received.map(() => text.length)
  for (const [at, [, other]] of pairs.entries()) {
    const furthest = () => {
      started[at] = Math.max(...received.map(one => one.length))
    }
    other.addEventListener('message', furthest, { once: true })
  }
  for (const [one] of pairs) one.send(text)
  await Promise.all(received.map(one => one.until(text.length)))
  for (const furthest of started) expect(furthest).toBeLessThan(text.length)
})

test.each([
  ['a connection that holds on to it', async () => muxerPair()],
  ['a connection with records', async () => (await securedPair()).map(end => muxerEnd(end)) as [MuxerEnd, MuxerEnd]],
] as const)('memory may be used again when nothing of it waits, over %s', async (_name, connect) => {
  const [initiator, responder] = await connect()
  const [one, other] = await openStream(initiator, responder)
  const received = receive(other)
  const text = seededBytes(3 * MIB)
  const piece = new Uint8Array(256 * KIB)
  for (let at = 0; at < text.length; at += piece.length) {
    piece.set(text.subarray(at, at + piece.length))
    one.send(piece)
    await waitFor(() => one.writeBufferLength === 0, PATIENCE)
    piece.fill(0)
  }
  expect((await received.until(text.length)).equals(text)).toBe(true)
})

test('what comes before a connection has its muxer is heard once', async () => {
  const [near, far] = await securedPair()
  const initiator = muxerEnd(near)
  const opened = await initiator.muxer.createStream()
  const text = seededBytes(1_000)
  opened.send(text)
  await waitFor(() => far.readBufferLength > text.length, PATIENCE)
  const responder = muxerEnd(far)
  const [accepted] = await waitFor(() => responder.accepted.length > 0 && responder.accepted, PATIENCE)
  if (accepted === undefined) throw new Error('no stream')
  const received = receive(accepted)
  opened.send(text)
  expect((await received.until(2 * text.length)).equals(Buffer.concat([text, text]))).toBe(true)
  await opened.close()
  expect((await received.untilEnded()).length).toBe(2 * text.length)
})

test('streams of both ends have numbers of their own', async () => {
  const [initiator, responder] = muxerPair()
  const pairs = [
    await openStream(initiator, responder),
    await openStream(responder, initiator),
    await openStream(initiator, responder),
    await openStream(responder, initiator),
  ]
  expect(pairs.map(([one, other]) => [one.id, other.id])).toEqual([
    ['1', '1'],
    ['2', '2'],
    ['3', '3'],
    ['4', '4'],
  ])
})

async function expectToArrive(one: Stream, other: Stream, bytes: Uint8Array): Promise<void> {
  const received = receive(other)
  await sendAll(one, bytes)
  expect((await received.until(bytes.length)).equals(bytes)).toBe(true)
}

async function untilUnsent(stream: Stream, bytes: number): Promise<void> {
  await waitFor(() => stream.writeBufferLength === bytes, {
    ...PATIENCE,
    what: () => `${bytes} unsent bytes, have ${stream.writeBufferLength}`,
  })
}

/** As libp2p closes a connection. */
async function closeEnd({ muxer, connection }: MuxerEnd): Promise<void> {
  await muxer.close()
  await connection.close()
}
