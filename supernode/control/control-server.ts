import type { Stream } from '@libp2p/interface'
import type { Logger } from '../../lib/logger.ts'
import { createFrameChannel } from '../../lib/p2p/frame-channel.ts'
import type { P2pNode } from '../../lib/p2p/p2p-node.ts'
import { DamselflyError, toDamselflyError } from '../../protocol/errors.ts'
import {
  type PeerToSupernode,
  peerToSupernodeCodec,
  type SupernodeToPeer,
  supernodeToPeerCodec,
} from '../../protocol/messages/control.ts'
import { CONTROL_PROTOCOL } from '../../protocol/protocol-ids.ts'
import type { SwarmDirector } from './swarm-director.ts'
import { tellableAddresses } from './tellable-addresses.ts'

export interface ControlServerComponents {
  readonly node: P2pNode
  readonly director: SwarmDirector
  readonly logger: Logger
  readonly account: { invalidMessage(code: string): void }
}

/** Messages of one peer that may wait for their turn. */
const MAX_WAITING_MESSAGES = 4096

/** Answers control streams. What a peer says counts for the PeerId that its connection proved. */
export async function serveControl(components: ControlServerComponents): Promise<void> {
  await components.node.handle(CONTROL_PROTOCOL, (stream, peer, from) => serveStream(components, stream, peer, from))
}

function serveStream(
  { director, logger, account }: ControlServerComponents,
  stream: Stream,
  peer: string,
  from: string,
): void {
  let leave: (() => void) | undefined
  let waiting = 0
  // One message after the other, because a join may have to wait for the store.
  let turn: Promise<void> = Promise.resolve()

  const channel = createFrameChannel(stream, peer, {
    message(bytes) {
      const message = peerToSupernodeCodec.decode(bytes)
      if (++waiting > MAX_WAITING_MESSAGES) throw new DamselflyError('MESSAGE_INVALID', 'too many messages at once')
      turn = turn.then(() => receive(message)).catch(reject)
    },
    dataStart() {
      throw new DamselflyError('MESSAGE_INVALID', 'control streams carry no data')
    },
    dataEnd() {},
    dataCut() {},
    closed(error) {
      leave?.()
      if (error instanceof DamselflyError) count(error)
    },
  })

  async function receive(message: PeerToSupernode): Promise<void> {
    waiting--
    if (!channel.open) return
    if (message.type === 'hello') {
      const address = { id: peer, addresses: tellableAddresses(message.addresses, from) }
      const { labels, agent, keeps = false, fetches = false, platform } = message
      const send = (answer: SupernodeToPeer) => channel.send(supernodeToPeerCodec.encode(answer))
      leave = director.connected({ address, labels, agent, keeps, fetches, platform }, send)
    } else if (leave !== undefined) {
      await director.receive(peer, message)
    } else {
      throw new DamselflyError('MESSAGE_INVALID', 'the first message must be hello')
    }
  }

  function reject(thrown: unknown): void {
    channel.abort(toDamselflyError(thrown))
  }

  function count(error: DamselflyError): void {
    account.invalidMessage(error.code)
    logger.debug({ peer, error }, 'control stream refused')
  }
}
