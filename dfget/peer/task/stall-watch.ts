import type { Clock } from '../../../lib/clock.ts'

/** What a judgement rests on, for the block that a reader waits for. */
export interface StallFacts {
  /** Nobody waits for the content. */
  readonly background: boolean
  /** It is on its way, granted, or held by a neighbour that can be asked. */
  readonly canGet: boolean
  /** The supernode gives it: it was granted, and has not been given up. */
  readonly granted: boolean
  /** For how long nobody has sent a byte who was asked for anything, or is to be asked for the block. */
  readonly quietMs: number
  /** Its digest is known, so the supernode has it. */
  readonly mapped: boolean
  readonly supernodeSilentMs: number
}

/** Wait on; ask the supernode for help; read the origin; read the origin, because nobody else is left. */
export type StallVerdict = 'wait' | 'ask' | 'origin' | 'only-origin'

/** After this long without a source the supernode is asked, and again at this distance. */
const ASK_AFTER_MS = 300
/** It is also asked when nobody who has been asked for anything has sent a byte for this long: who claims a block may never give it. */
export const ASK_QUIET_MS = 1_000
/** A download in which nothing moves for this long gets the block from the origin. */
const STUCK_MS = 2_000
/** So long a supernode that lives and has the block is left to give it: it gives it once in a while, and others have asked as well. */
const HELPED_MS = 4_000
/** A supernode that was heard this recently is alive; when it has no block either, it is the origin that is slow. */
const ALIVE_MS = 1_500
/** No reader waits longer than this for one block; clients give up at 30 s. */
const LONGEST_WAIT_MS = 20_000

/** Decides when a reader has waited long enough for the swarm. */
export class StallWatch {
  readonly #clock: Pick<Clock, 'now'>
  #head = -1
  #since = 0
  #askedAt = 0
  #progressAt: number
  #originFailedAt = Number.NEGATIVE_INFINITY
  #gaveUp = false

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
    this.#progressAt = clock.now()
  }

  /** Whether the block that was judged last has been waited for so long that nothing else may come first. */
  get hurried(): boolean {
    return this.#clock.now() - this.#since > STUCK_MS
  }

  get withoutProgressMs(): number {
    return this.#clock.now() - this.#progressAt
  }

  /** A block has come. */
  progress(): void {
    this.#progressAt = this.#clock.now()
  }

  /** The download has to wait for others: what is awaited counts as awaited from now on. */
  paused(): void {
    this.#head = -1
    this.progress()
  }

  /** The swarm was joined, perhaps anew. */
  joined(): void {
    this.progress()
    this.#gaveUp = false
  }

  /** The supernode cannot go on with the task. */
  supernodeGaveUp(): void {
    this.#gaveUp = true
  }

  /** The origin did not deliver either: it is left in peace for a while, unless nobody else is left. */
  originFailed(): void {
    this.#originFailedAt = this.#clock.now()
  }

  judge(head: number, facts: StallFacts): StallVerdict {
    const now = this.#clock.now()
    if (head !== this.#head) {
      this.#head = head
      this.#since = now
      this.#askedAt = now
    }
    const waitedMs = now - this.#since
    const supernodeHelps = facts.supernodeSilentMs !== Number.POSITIVE_INFINITY && !this.#gaveUp
    if ((!facts.canGet && !supernodeHelps) || waitedMs > LONGEST_WAIT_MS) return 'only-origin'
    const supernodeLives = supernodeHelps && facts.supernodeSilentMs < ALIVE_MS
    const stillMs = Math.min(waitedMs, this.withoutProgressMs, facts.quietMs)
    const isStuck = stillMs > (supernodeLives ? HELPED_MS : STUCK_MS) && now - this.#originFailedAt > STUCK_MS
    const originIsSlow = supernodeLives && !facts.mapped
    if (isStuck && !originIsSlow) return 'origin'
    const hasSource = facts.canGet && (facts.granted || stillMs <= ASK_QUIET_MS)
    // What nobody waits for comes in its turn, as long as anything comes: the supernode would send it twice.
    const isPatient = facts.background && this.withoutProgressMs < ASK_QUIET_MS
    if (hasSource || isPatient || now - this.#askedAt < ASK_AFTER_MS) return 'wait'
    this.#askedAt = now
    return 'ask'
  }
}
