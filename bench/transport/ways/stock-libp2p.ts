import { noise } from '@chainsafe/libp2p-noise'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { createByteCount } from './byte-count.ts'
import { askedFor, PIECE, requestFor } from './pieces.ts'
import type { Transport } from './transport.ts'

const PROTOCOL = '/bench/bytes/1.0.0'

/** One stream between two js-libp2p nodes as they come, without options. */
export const STOCK_LIBP2P: Transport = {
  async serve() {
    const node = await startNode(['/ip4/127.0.0.1/tcp/0'])
    await node.handle(PROTOCOL, stream => {
      let sent = Promise.resolve()
      stream.addEventListener('message', ({ data }) => {
        sent = sent.then(() => sendPieces(stream, askedFor(data)))
      })
    })
    const [address] = node.getMultiaddrs()
    if (address === undefined) throw new Error('the node does not listen')
    return address.toString()
  },
  async connect(address) {
    const node = await startNode([])
    const stream = await node.dialProtocol(multiaddr(address), PROTOCOL)
    const count = createByteCount()
    stream.addEventListener('message', ({ data }) => count.add(data.byteLength))
    stream.addEventListener('close', ({ error }) => count.fail(error ?? new Error('the sender closed the stream')))
    return sizeBytes => {
      const whole = count.expect(sizeBytes)
      stream.send(requestFor(sizeBytes))
      return whole
    }
  },
}

function startNode(listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
}

async function sendPieces(stream: Stream, sizeBytes: number): Promise<void> {
  for (let left = sizeBytes; left > 0; left -= PIECE.length) {
    if (!stream.send(PIECE)) await roomForMore(stream)
  }
}

/**
 * Waits until at most a piece is unsent. Not with libp2p's own `onDrain`, which waits for the first drain in the life of a stream
 * and not at all later on; and not for one drain alone, which may have made room for less than a piece.
 */
async function roomForMore(stream: Stream): Promise<void> {
  while (stream.writeBufferLength > PIECE.length) {
    await new Promise<void>((resolve, reject) => {
      const settle = ({ type }: Event) => {
        stream.removeEventListener('drain', settle)
        stream.removeEventListener('close', settle)
        if (type === 'drain') resolve()
        else reject(new Error('the receiver closed the stream'))
      }
      stream.addEventListener('drain', settle)
      stream.addEventListener('close', settle)
    })
  }
}
