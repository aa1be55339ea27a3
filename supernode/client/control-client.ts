import { createFrameChannel } from '../../lib/p2p/frame-channel.ts'
import type { P2pNode } from '../../lib/p2p/p2p-node.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import {
  type PeerToSupernode,
  peerToSupernodeCodec,
  type SupernodeToPeer,
  supernodeToPeerCodec,
} from '../../protocol/messages/control.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import { CONTROL_PROTOCOL } from '../../protocol/protocol-ids.ts'

/** A peer's control stream to its supernode. */
export interface ControlChannel {
  readonly open: boolean
  send(message: PeerToSupernode): void
  close(): void
}

export interface ControlHandlers {
  message(message: SupernodeToPeer): void
  /** The stream has ended; nothing is called afterwards. */
  closed(error: Error | undefined): void
}

/** Opens the control stream. The other end has proved that it is the supernode asked for. */
export async function openControlChannel(
  node: P2pNode,
  supernode: PeerAddress,
  handlers: ControlHandlers,
  options: { signal: AbortSignal },
): Promise<ControlChannel> {
  const stream = await node.dial(supernode, CONTROL_PROTOCOL, options)
  const channel = createFrameChannel(stream, supernode.id, {
    message: bytes => handlers.message(supernodeToPeerCodec.decode(bytes)),
    dataStart() {
      throw new DamselflyError('MESSAGE_INVALID', 'control streams carry no data')
    },
    dataEnd() {},
    dataCut() {},
    closed: handlers.closed,
  })
  return {
    get open() {
      return channel.open
    },
    send: message => channel.send(peerToSupernodeCodec.encode(message)),
    close: () => channel.close(),
  }
}
