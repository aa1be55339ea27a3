import { contentKeyOf, type OriginInfo, type Source } from '../../lib/origin/origin.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'

/** What a peer was told to fetch. */
export interface Warrant {
  /** With the credentials of whoever had it fetched, by which the supernode reads the origin; no peer sees them. */
  readonly source: Source
  /** What the origin said of the content to him. */
  readonly info: OriginInfo
}

/** Warrants of all peers together. */
const MAX_WARRANTS = 1_000_000

/**
 * Which peers may have which tasks because the supernode told them to fetch these: their registrations are admitted without asking the
 * origin, for which they have no credentials. A warrant is good for one peer and one task. Kept in memory only.
 */
export class Warrants {
  readonly #max: number
  /** By peer, then by {@link contentKeyOf}. None is empty. */
  readonly #ofPeer = new Map<string, Map<string, Warrant & { readonly task: TaskId }>>()
  #count = 0

  constructor({ max = MAX_WARRANTS }: { readonly max?: number } = {}) {
    this.#max = max
  }

  get count(): number {
    return this.#count
  }

  /** Gives a peer a warrant, in place of what it had for the same URL or digest. @throws DamselflyError TOOMANYREQUESTS */
  give(peer: string, task: TaskId, { source, info }: Warrant): void {
    const key = contentKeyOf(source)
    const own = this.#ofPeer.get(peer) ?? new Map()
    if (!own.has(key)) {
      if (this.#count >= this.#max) throw new DamselflyError('TOOMANYREQUESTS', 'too many contents are being preheated')
      this.#count++
    }
    this.#ofPeer.set(peer, own.set(key, { task, source, info }))
  }

  /** The peer need not, or does not, fetch the task any more. */
  end(peer: string, task: TaskId): void {
    const own = this.#ofPeer.get(peer)
    for (const [key, warrant] of own ?? []) {
      if (warrant.task !== task) continue
      own?.delete(key)
      this.#count--
    }
    if (own?.size === 0) this.#ofPeer.delete(peer)
  }

  /** The peer is gone. */
  endAll(peer: string): void {
    this.#count -= this.#ofPeer.get(peer)?.size ?? 0
    this.#ofPeer.delete(peer)
  }

  /** What lets a peer have the content of the source that it registers for. */
  find(peer: string, source: Pick<Source, 'url' | 'digest' | 'identity'>): Warrant | undefined {
    return this.#ofPeer.get(peer)?.get(contentKeyOf(source))
  }
}
