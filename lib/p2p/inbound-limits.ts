import type {
  Connection,
  ConnectionGater,
  Libp2pEvents,
  MultiaddrConnection,
  TypedEventTarget,
} from '@libp2p/interface'
import type { Clock } from '../clock.ts'
import { addressKey } from '../http/protection/address-key.ts'

/** Connections of one peer, one in use and others that overlap at reconnection or were opened by both ends. */
const MAX_PER_PEER = 8
/** A connection without a stream for so long is of no use to whoever opened it. */
const IDLE_MS = 120_000
const LOOK_MS = 15_000

export interface InboundLimitsInit {
  readonly clock: Clock
  /** Of one address (IPv6: one /64) other than the loopback, those whose handshake is under way included. */
  readonly maxPerAddress: number
}

/** What is read of a libp2p node. */
export interface LimitedNode extends Pick<TypedEventTarget<Libp2pEvents>, 'addEventListener'> {
  getConnections(): Connection[]
}

/** Keeps others from holding connections that they do not use, or more than they need. */
export interface InboundLimits {
  /** Asked before the handshake. */
  readonly gater: Pick<ConnectionGater, 'denyInboundConnection'>
  /** Looks after the connections of a node. @returns ends that */
  watch(node: LimitedNode): () => void
}

/** Nobody has connected so far. */
export function createInboundLimits({ clock, maxPerAddress }: InboundLimitsInit): InboundLimits {
  const counts = new Map<string, number>()

  function leave(key: string): void {
    const left = (counts.get(key) ?? 1) - 1
    if (left === 0) counts.delete(key)
    else counts.set(key, left)
  }

  function closeIdle(node: LimitedNode, idleSince: WeakMap<Connection, number>): void {
    const now = clock.now()
    for (const connection of node.getConnections()) {
      if (connection.direction !== 'inbound') continue
      if (connection.streams.length > 0) idleSince.delete(connection)
      else if (!idleSince.has(connection)) idleSince.set(connection, now)
      else if (now - (idleSince.get(connection) ?? now) >= IDLE_MS) end(connection, 'the connection is not used')
    }
  }

  return {
    gater: {
      denyInboundConnection(connection) {
        const key = keyOf(connection)
        if (key === undefined) return false
        const count = counts.get(key) ?? 0
        if (count >= maxPerAddress) return true
        counts.set(key, count + 1)
        connection.addEventListener('close', () => leave(key), { once: true })
        return false
      },
    },
    watch(node) {
      const idleSince = new WeakMap<Connection, number>()
      node.addEventListener('connection:open', ({ detail: opened }) => {
        const ofPeer = node
          .getConnections()
          .filter(({ direction, remotePeer }) => direction === 'inbound' && remotePeer.equals(opened.remotePeer))
        if (ofPeer.length <= MAX_PER_PEER) return
        const unused = ofPeer.find(connection => connection !== opened && connection.streams.length === 0)
        end(unused ?? opened, 'more connections than a peer needs')
      })
      return clock.every(LOOK_MS, () => closeIdle(node, idleSince))
    },
  }
}

function end(connection: Connection, why: string): void {
  connection.abort(new Error(why))
}

/** The loopback is the machine's own. */
function keyOf({ remoteAddr }: Pick<MultiaddrConnection, 'remoteAddr'>): string | undefined {
  const [{ value = '' } = {}] = remoteAddr.getComponents()
  const key = addressKey(value)
  return key === '' || key.startsWith('127.') || key === '0:0:0:0::/64' ? undefined : key
}
