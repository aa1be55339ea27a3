import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { request } from 'undici'
import { createLibp2pNode } from '../../lib/p2p/libp2p-node.ts'
import type { P2pNode } from '../../lib/p2p/p2p-node.ts'
import type { Digest } from '../../protocol/digest.ts'
import { FrameDecoder } from '../../protocol/frame.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import type { RegistrationAnswer } from '../../protocol/messages/registration.ts'
import type { RawMember } from './raw-member.ts'
import { waitFor } from './wait.ts'

/** A stream on which a test sends whatever bytes it likes, and sees what comes back. */
export interface RawStream {
  send(bytes: Uint8Array): void
  /** The messages that came, still encoded. */
  readonly messages: Uint8Array[]
  /** The data frames that came, by request id. */
  readonly data: Map<number, Uint8Array>
  readonly closed: boolean
  /** Waits for the message with this number. */
  message(index: number): Promise<Uint8Array>
  /** Waits until the other end has closed the stream. */
  untilClosed(): Promise<void>
}

/** A libp2p node that knows none of our manners. */
export interface RawPeer extends AsyncDisposable {
  readonly node: P2pNode
  readonly address: PeerAddress
  /** @param onMessage is called with each message */
  open(peer: PeerAddress, protocol: string, onMessage?: (bytes: Uint8Array) => void): Promise<RawStream>
  /** Registers for a blob at a supernode, as an honest peer does. */
  register(supernode: { readonly url: string }, url: string, digest: Digest): Promise<RegistrationAnswer>
}

const PATIENCE_MS = 10_000

/** Where a raw peer is, and who. */
export interface RawPeerInit {
  /** On the loopback by default. */
  readonly listen?: string
  /** Nobody in particular by default, as in a trial. */
  readonly member?: RawMember
}

/** Starts a raw peer. */
export async function startRawPeer(
  prepare?: (node: P2pNode) => Promise<void>,
  { listen = '/ip4/127.0.0.1/tcp/0', member }: RawPeerInit = {},
): Promise<RawPeer> {
  const privateKey = member?.privateKey ?? (await generateKeyPair('Ed25519'))
  const node = await createLibp2pNode({ privateKey, listen: [listen], ...(member && { admission: member.admission }) })
  await prepare?.(node)
  await node.start()
  return {
    node,
    address: { id: node.peerId, addresses: node.addresses() },
    open: async (peer, protocol, onMessage) =>
      rawStream(await node.dial(peer, protocol, { signal: AbortSignal.timeout(PATIENCE_MS) }), onMessage),
    async register(supernode, url, digest) {
      const body = JSON.stringify({ peerId: node.peerId, source: { url, headers: {}, digest } })
      const headers = { 'content-type': 'application/json' }
      while (true) {
        const options = { method: 'POST', body, headers, ...(member && { dispatcher: member.dispatcher }) } as const
        const response = await request(`${supernode.url}/peer/registry`, options)
        if (response.statusCode === 200) return (await response.body.json()) as RegistrationAnswer
        await response.body.dump()
        // The origin has not answered yet: the same again, at once.
        if (response.statusCode !== 202) throw new Error(`registration: ${response.statusCode}`)
      }
    },
    async [Symbol.asyncDispose]() {
      await node.stop()
      await member?.dispatcher.destroy()
    },
  }
}

/** Puts a raw end on a stream, also on one that another peer opened. */
export function rawStream(
  stream: Stream,
  onMessage: (bytes: Uint8Array, self: RawStream) => void = () => {},
): RawStream {
  const messages: Uint8Array[] = []
  const data = new Map<number, Uint8Array>()
  let closed = false
  const decoder = new FrameDecoder({
    message(bytes) {
      messages.push(bytes)
      onMessage(bytes, self)
    },
    dataStart(id, lengthBytes) {
      const buffer = new Uint8Array(lengthBytes)
      data.set(id, buffer)
      return buffer
    },
    dataEnd() {},
    dataCut() {},
  })
  stream.addEventListener('message', ({ data: chunks }) => {
    for (const chunk of chunks instanceof Uint8Array ? [chunks] : chunks) decoder.push(chunk)
  })
  for (const event of ['close', 'remoteCloseWrite'] as const) {
    stream.addEventListener(event, () => {
      closed = true
    })
  }
  const self: RawStream = {
    send: bytes => void stream.send(bytes),
    messages,
    data,
    get closed() {
      return closed
    },
    message: index => waitFor(() => messages[index], { timeoutMs: PATIENCE_MS, what: `message ${index}` }),
    untilClosed: async () => {
      await waitFor(() => closed, { timeoutMs: PATIENCE_MS, what: 'the end of the stream' })
    },
  }
  return self
}
