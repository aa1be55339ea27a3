import type { Socket } from 'node:net'
import { addressKey } from './address-key.ts'

/** What a connection is doing: it has sent no request so far, has had its answers, or waits for one. */
export type ConnectionState = 'new' | 'idle' | 'busy'

/** A client's connection in the table. */
export interface ConnectionEntry {
  readonly socket: Pick<Socket, 'destroy'>
  /** Its group, see `addressKey`; undefined for those that are not limited by address. */
  readonly address: string | undefined
  state: ConnectionState
}

interface Group {
  count: number
  readonly unused: Record<'new' | 'idle', Set<ConnectionEntry>>
}

export interface ConnectionTableInit {
  readonly max: number
  readonly maxPerAddress: number
}

/** Why a connection was ended to make room. */
export type EvictionReason = 'unused' | 'idle' | 'per-address' | 'full'

/**
 * The connections of a server, so that there are never too many. For a newcomer one is ended that nobody uses: the one that has been
 * without its first request for longest, then the one that is idle for longest. Those that wait for an answer are never ended; where
 * all do, the newcomer is.
 */
export class ConnectionTable {
  readonly #init: ConnectionTableInit
  readonly #evicted: (reason: EvictionReason) => void
  readonly #all: Group = newGroup()
  readonly #groups = new Map<string, Group>()

  constructor(evicted: (reason: EvictionReason) => void, init: ConnectionTableInit) {
    this.#init = init
    this.#evicted = evicted
  }

  get counts(): Record<ConnectionState, number> {
    const { count, unused } = this.#all
    return { new: unused.new.size, idle: unused.idle.size, busy: count - unused.new.size - unused.idle.size }
  }

  /** Takes a connection in, and makes room for it. @returns undefined when there is none: it has been ended */
  add(socket: ConnectionEntry['socket'], address: string | undefined): ConnectionEntry | undefined {
    const entry: ConnectionEntry = { socket, address, state: 'new' }
    const { max, maxPerAddress } = this.#init
    const group = address === undefined ? undefined : this.#groups.get(address)
    const hasRoom =
      (group === undefined || group.count < maxPerAddress || this.#evictFrom(group, 'per-address')) &&
      (this.#all.count < max || this.#evictFrom(this.#all))
    if (!hasRoom) {
      socket.destroy()
      this.#evicted('full')
      return undefined
    }
    for (const each of this.#groupsOf(entry)) {
      each.count++
      each.unused.new.add(entry)
    }
    return entry
  }

  /** A connection begins or stops doing something. */
  change(entry: ConnectionEntry, state: ConnectionState): void {
    for (const { unused } of this.#groupsOf(entry)) {
      if (entry.state !== 'busy') unused[entry.state].delete(entry)
      if (state !== 'busy') unused[state].add(entry)
    }
    entry.state = state
  }

  /** A connection has ended. */
  remove(entry: ConnectionEntry): void {
    this.change(entry, 'busy')
    for (const group of this.#groupsOf(entry)) group.count--
    const { address } = entry
    if (address !== undefined && this.#groups.get(address)?.count === 0) this.#groups.delete(address)
  }

  #evictFrom({ unused }: Group, reason?: EvictionReason): boolean {
    for (const state of ['new', 'idle'] as const) {
      for (const entry of unused[state]) {
        // It leaves the table when it has closed; until then it is not found again.
        this.change(entry, 'busy')
        entry.socket.destroy()
        this.#evicted(reason ?? (state === 'new' ? 'unused' : 'idle'))
        return true
      }
    }
    return false
  }

  #groupsOf({ address }: ConnectionEntry): Group[] {
    if (address === undefined) return [this.#all]
    let group = this.#groups.get(address)
    if (group === undefined) {
      group = newGroup()
      this.#groups.set(address, group)
    }
    return [this.#all, group]
  }
}

function newGroup(): Group {
  return { count: 0, unused: { new: new Set(), idle: new Set() } }
}

/** The group of a socket: none for Unix sockets and the loopback, which is the machine's own. */
export function connectionGroup({ remoteAddress }: Pick<Socket, 'remoteAddress'>): string | undefined {
  const key = addressKey(remoteAddress ?? '')
  return key === '' || key.startsWith('127.') || key === '0:0:0:0::/64' ? undefined : key
}
