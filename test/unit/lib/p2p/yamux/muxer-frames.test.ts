import { multiaddrConnectionPair } from '@libp2p/utils'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { encodeHeader, Flag, type FrameHeader, FrameType, GoAway } from '../../../../../lib/p2p/yamux/frame.ts'
import { seededBytes } from '../../../../helpers/blob.ts'
import { muxerEnd } from '../../../../helpers/muxer-pair.ts'
import { receive } from '../../../../helpers/received.ts'
import { waitFor } from '../../../../helpers/wait.ts'
import { yamuxPeer } from '../../../../helpers/yamux-peer.ts'

const MIB = 1024 * 1024
/** What a stream may be sent at first. */
const WINDOW_BYTES = 256 * 1024
const MAX_INBOUND_STREAMS = 1_000
const PING_EVERY_MS = 10_000
const { data, windowUpdate, ping, goAway } = FrameType
const PATIENCE = { timeoutMs: 10_000, intervalMs: 2 }

afterEach(() => {
  vi.useRealTimers()
})

describe('opening', () => {
  test('a stream opens with its number', async () => {
    const { peer, muxer } = start('accepter')
    await muxer.createStream()
    const opening = { type: windowUpdate, flags: Flag.syn, length: 0 }
    expect(await peer.frame({ stream: 1 })).toMatchObject(opening)
    await muxer.createStream()
    expect(await peer.frame({ stream: 3 })).toMatchObject(opening)
  })

  test('a stream that is accepted says so', async () => {
    const { peer, accepted } = start()
    peer.send({ type: windowUpdate, flags: Flag.syn, stream: 1 })
    const answer = await peer.frame({ stream: 1 })
    expect(answer).toMatchObject({ type: windowUpdate, flags: Flag.ack, length: 0 })
    expect(accepted.map(({ id, direction }) => [id, direction])).toEqual([['1', 'inbound']])
  })

  test('data may come with what opens a stream', async () => {
    const { peer, accepted } = start()
    peer.send({ type: data, flags: Flag.syn, stream: 1 }, seededBytes(1000))
    await peer.untilRead()
    const [stream] = accepted
    if (stream === undefined) throw new Error('no stream')
    expect((await receive(stream).until(1000)).equals(seededBytes(1000))).toBe(true)
  })

  test('a stream that is opened twice is one', async () => {
    const { peer, accepted } = start()
    for (let i = 0; i < 2; i++) peer.send({ type: windowUpdate, flags: Flag.syn, stream: 1 })
    await peer.untilRead()
    expect(accepted.length).toBe(1)
  })

  test('no more may be sent than the specification says until the other end allows it', async () => {
    const { peer, muxer } = start('accepter')
    const stream = await muxer.createStream()
    stream.send(new Uint8Array(MIB))
    await peer.untilRead()
    const sentBytes = () =>
      peer.frames.filter(frame => frame.type === data).reduce((sum, frame) => sum + frame.length, 0)
    expect(sentBytes()).toBe(WINDOW_BYTES)
    peer.send({ type: windowUpdate, stream: 1, length: 1000 })
    await waitFor(() => sentBytes() === WINDOW_BYTES + 1000, PATIENCE)
    peer.send({ type: windowUpdate, stream: 1, length: MIB })
    await waitFor(() => sentBytes() === MIB, PATIENCE)
  })

  test(`more than ${MAX_INBOUND_STREAMS} streams at once are reset`, async () => {
    const { peer, accepted } = start()
    const open = (stream: number) => peer.send({ type: windowUpdate, flags: Flag.syn, stream })
    for (let i = 0; i < MAX_INBOUND_STREAMS + 2; i++) open(2 * i + 1)
    await peer.untilRead()
    expect(accepted.length).toBe(MAX_INBOUND_STREAMS)
    const reset = peer.frames.filter(({ flags }) => flags === Flag.reset).map(({ stream }) => stream)
    expect(reset).toEqual([2 * MAX_INBOUND_STREAMS + 1, 2 * MAX_INBOUND_STREAMS + 3])

    peer.send({ type: windowUpdate, flags: Flag.reset, stream: 5 })
    for (const stream of [9001, 9003]) open(stream)
    await peer.untilRead()
    expect(accepted.slice(MAX_INBOUND_STREAMS).map(({ id }) => id)).toEqual(['9001'])
  })

  test('a stream that both ends break at once counts as one', async () => {
    const { peer, accepted } = start()
    for (let i = 0; i < MAX_INBOUND_STREAMS; i++) peer.send({ type: windowUpdate, flags: Flag.syn, stream: 2 * i + 1 })
    await peer.untilRead()
    const broken = accepted.slice(0, 10)
    let closings = 0
    for (const stream of broken) {
      stream.addEventListener('message', () => stream.abort(new Error('garbage')))
      stream.addEventListener('close', () => closings++)
      peer.send({ type: data, flags: Flag.reset, stream: Number(stream.id) }, new Uint8Array(1))
    }
    for (let i = 0; i < 30; i++) peer.send({ type: windowUpdate, flags: Flag.syn, stream: 9001 + 2 * i })
    await peer.untilRead()
    expect(closings).toBe(broken.length)
    expect(accepted.length).toBe(MAX_INBOUND_STREAMS + broken.length)
  })
})

describe('ending', () => {
  test('data in the frame that ends a stream arrive before the end', async () => {
    const { peer, accepted } = start()
    peer.send({ type: windowUpdate, flags: Flag.syn, stream: 1 })
    await peer.untilRead()
    const [stream] = accepted
    if (stream === undefined) throw new Error('no stream')
    const received = receive(stream)
    peer.send({ type: data, flags: Flag.fin, stream: 1 }, seededBytes(100_000))
    expect((await received.untilEnded()).equals(seededBytes(100_000))).toBe(true)
    expect(stream.status).toBe('open')
    await stream.close()
    expect(await peer.frame({ stream: 1, flags: Flag.fin })).toMatchObject({ type: windowUpdate, length: 0 })
    expect(stream.status).toBe('closed')
  })

  test('what still comes for a stream that is closed is passed over', async () => {
    const { peer, accepted, muxer } = start()
    peer.send({ type: windowUpdate, flags: Flag.syn, stream: 1 })
    await peer.untilRead()
    accepted[0]?.abort(new Error('not wanted'))
    await peer.frame({ stream: 1, flags: Flag.reset })
    peer.send({ type: data, stream: 1 }, new Uint8Array(2 * MIB))
    peer.send({ type: windowUpdate, flags: Flag.fin, stream: 1 })
    peer.send({ type: windowUpdate, flags: Flag.reset, stream: 1 })
    await peer.untilRead()
    expect(muxer.status).toBe('open')
  })

  test('a goodbye ends the streams in order, and no stream is opened or accepted after it', async () => {
    const { peer, accepted, muxer, connection } = start()
    peer.send({ type: windowUpdate, flags: Flag.syn, stream: 1 })
    await peer.untilRead()
    const [stream] = accepted
    if (stream === undefined) throw new Error('no stream')
    const received = receive(stream)
    peer.send({ type: goAway, length: GoAway.normal })
    expect(await received.untilClosed()).toBe('in order')
    await expect(muxer.createStream()).rejects.toThrow()
    peer.send({ type: windowUpdate, flags: Flag.syn, stream: 3 })
    await peer.frame({ stream: 3, flags: Flag.reset })
    expect(accepted.length).toBe(1)
    expect(connection.status).toBe('open')
  })

  test.each([GoAway.protocolError, 2])('a goodbye for reason %d breaks the streams', async reason => {
    const { peer, accepted, muxer } = start()
    peer.send({ type: windowUpdate, flags: Flag.syn, stream: 1 })
    await peer.untilRead()
    const [stream] = accepted
    if (stream === undefined) throw new Error('no stream')
    const received = receive(stream)
    peer.send({ type: goAway, length: reason })
    expect(await received.untilClosed()).toBeInstanceOf(Error)
    expect(muxer.status).toBe('closed')
    await expect(muxer.createStream()).rejects.toThrow()
  })

  test('the end says goodbye when it closes', async () => {
    const { peer, muxer } = start()
    await muxer.close()
    expect(await peer.frame({ type: goAway })).toMatchObject({ stream: 0, flags: 0, length: GoAway.normal })
  })
})

describe('pings', () => {
  test.each([0, 1, 0xdead_beef])('ping %d is answered with its number', async length => {
    const { peer } = start()
    peer.send({ type: ping, flags: Flag.syn, length })
    expect(await peer.frame({ type: ping, flags: Flag.ack })).toMatchObject({ stream: 0, length })
  })

  test('an answer to a ping that was never sent is passed over', async () => {
    const { peer, muxer } = start()
    const sent = await peer.frame({ type: ping, flags: Flag.syn })
    for (const length of [sent.length + 1, 0xdead_beef, sent.length, sent.length]) {
      peer.send({ type: ping, flags: Flag.ack, length })
    }
    await peer.untilRead()
    expect(muxer.status).toBe('open')
  })

  test('a peer that pings on and on and reads no answer is cut off', async () => {
    const [outbound, inbound] = multiaddrConnectionPair()
    muxerEnd(inbound)
    outbound.pause()
    const flood = Buffer.concat(
      Array(500_000).fill(encodeHeader({ type: ping, flags: Flag.syn, stream: 0, length: 1 })),
    )
    inbound.writableNeedsDrain = true
    outbound.send(flood)
    await waitFor(() => inbound.status === 'aborted', PATIENCE)
  })

  test('a connection over which nothing comes for 30 s is given up', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    const [outbound, inbound] = multiaddrConnectionPair()
    muxerEnd(inbound)
    for (let seconds = 0; seconds < 30; seconds += 10) vi.advanceTimersByTime(10_000)
    expect(inbound.status).toBe('open')
    vi.advanceTimersByTime(10_000)
    expect(inbound.status).toBe('aborted')
    outbound.abort(new Error('over'))
  })

  test('a connection over which something comes is kept, however little', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    const { peer, connection } = start()
    for (let seconds = 0; seconds < 120; seconds += 10) {
      vi.advanceTimersByTime(10_000)
      await peer.untilRead()
    }
    expect(connection.status).toBe('open')
  })

  test('after it was held up itself, a process first reads what came meanwhile', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    const [, inbound] = multiaddrConnectionPair()
    muxerEnd(inbound)
    const heldUp = vi.spyOn(performance, 'now')
    heldUp.mockReturnValue(performance.now() + 60_000)
    vi.advanceTimersByTime(10_000)
    expect(inbound.status).toBe('open')
    heldUp.mockRestore()
  })

  test('a ping goes out at first and every 10 s, until the connection is gone', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { peer, connection } = start()
    const sent = () => peer.frames.filter(({ type, flags }) => type === ping && flags === Flag.syn).length
    await waitFor(() => sent() === 1, PATIENCE)
    vi.advanceTimersByTime(2 * PING_EVERY_MS)
    await waitFor(() => sent() === 3, PATIENCE)
    expect(new Set(peer.frames.map(({ length }) => length)).size).toBe(3)
    expect(vi.getTimerCount()).toBe(1)
    connection.abort(new Error('broken'))
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([
    ['is closed', ({ muxer }) => muxer.close()],
    ['breaks', ({ muxer }) => muxer.abort(new Error('broken'))],
    ['is closed by the other end', ({ peer }) => peer.send({ type: goAway, length: GoAway.normal })],
    ['is broken by the other end', ({ peer }) => peer.send({ type: goAway, length: GoAway.protocolError })],
  ] satisfies [string, (end: ReturnType<typeof start>) => unknown][])(
    'no timer is left when the muxer %s',
    async (_, end) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      const started = start()
      expect(vi.getTimerCount()).toBe(1)
      await end(started)
      await waitFor(() => started.muxer.status === 'closed', PATIENCE)
      expect(vi.getTimerCount()).toBe(0)
    },
  )
})

describe('what breaks the rules ends the connection', () => {
  const open = encodeHeader({ type: windowUpdate, flags: Flag.syn, stream: 1, length: 0 })

  test.each([
    ['more data than the window', frameOf({ type: data, stream: 1, length: WINDOW_BYTES + 1 })],
    ['a frame of another version', Buffer.of(1, ...new Uint8Array(11))],
    ['a frame of an unknown type', frameOf({ type: 4 })],
    ['a stream with a number of ours', frameOf({ type: windowUpdate, flags: Flag.syn, stream: 2 })],
    ['data of no stream', frameOf({ type: data, stream: 0 })],
    ['a window of no stream', frameOf({ type: windowUpdate, stream: 0, length: 1 })],
    ['a ping of a stream', frameOf({ type: ping, flags: Flag.syn, stream: 1 })],
    ['a goodbye of a stream', frameOf({ type: goAway, stream: 1 })],
  ])('%s', async (_, bytes) => {
    const { peer, peerConnection, connection, accepted, muxer } = start()
    peer.sendRaw(open)
    await peer.untilRead()
    const [stream] = accepted
    if (stream === undefined) throw new Error('no stream')
    const [atStream, atPeer] = [receive(stream), receive(peerConnection)]
    peer.sendRaw(bytes)
    expect(await atStream.untilClosed()).toBeInstanceOf(Error)
    expect(await atPeer.untilClosed()).toBeInstanceOf(Error)
    expect([connection.status, muxer.status]).toEqual(['aborted', 'closed'])
    expect((await peer.frame({ type: goAway })).length).not.toBe(GoAway.normal)
  })

  test('but all that the window allows may come', async () => {
    const { peer, accepted, muxer } = start()
    peer.sendRaw(open)
    await peer.untilRead()
    const [stream] = accepted
    if (stream === undefined) throw new Error('no stream')
    const received = receive(stream)
    stream.pause()
    peer.send({ type: data, stream: 1 }, new Uint8Array(WINDOW_BYTES))
    await peer.untilRead()
    expect([muxer.status, stream.readBufferLength]).toEqual(['open', WINDOW_BYTES])
    // Nothing more is allowed while nobody reads, and all of it again afterwards.
    expect(peer.frames.filter(frame => frame.stream === 1 && frame.flags === 0)).toEqual([])
    stream.resume()
    expect(received.length).toBe(WINDOW_BYTES)
    const { length } = await peer.frame({ type: windowUpdate, stream: 1, flags: 0 })
    expect(length).toBeGreaterThanOrEqual(WINDOW_BYTES)
  })
})

/** A muxer at one end of a connection, and at the other somebody who speaks yamux by hand. */
function start(role: 'opener' | 'accepter' = 'opener') {
  const [outbound, inbound] = multiaddrConnectionPair()
  const [peerConnection, connection] = role === 'opener' ? [outbound, inbound] : [inbound, outbound]
  const peer = yamuxPeer(peerConnection)
  return { ...muxerEnd(connection), peer, peerConnection }
}

function frameOf(header: Pick<FrameHeader, 'type'> & Partial<FrameHeader>): Uint8Array {
  return encodeHeader({ flags: 0, stream: 0, length: 0, ...header })
}
