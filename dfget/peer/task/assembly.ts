import { type BlockBuffer, ownBuffer } from '../../../lib/blocks/block-buffers.ts'
import type { TaskBlocks } from '../../../lib/blocks/block-store.ts'
import type { Hasher } from '../../../lib/hashing/hasher.ts'
import type { Bitfield } from '../../../protocol/bitfield.ts'
import { type BlockDigest, BlockMap, blockCountOf, blockRange, sameBlockDigest } from '../../../protocol/block-map.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { digestOfTask, type TaskId } from '../../../protocol/task.ts'
import { type Account, type BlockSender, book, emptyAccount } from './account.ts'
import { Arrivals } from './arrivals.ts'
import { WholeDigest } from './whole-digest.ts'

/** Who wants to know how the content comes together. */
export interface AssemblyListener {
  /** A block is stored and may be served. */
  stored(block: number): void
  /** Blocks were found wrong after they had been stored. */
  lost(blocks: number[]): void
}

const NOTHING = ownBuffer(new Uint8Array(0))

interface Waiter {
  readonly resolve: (block: BlockBuffer) => void
  readonly reject: (error: unknown) => void
}

/**
 * The content of one task while it comes together: verifies each block against the block map, stores it, hands it to whoever
 * waits for it, and checks the whole against its digest at the end.
 */
export class Assembly {
  readonly taskId: TaskId
  readonly map: BlockMap
  readonly account: Account = emptyAccount()
  readonly arrivals = new Arrivals()
  /** Resolves when all is here and checked; rejects when the content cannot come together here. */
  readonly done: Promise<void>
  readonly #blocks: TaskBlocks
  readonly #listener: AssemblyListener
  readonly #hasher: Hasher
  readonly #whole: WholeDigest | undefined
  /** Blocks that are verified and on their way to the store. */
  readonly #writing = new Map<number, BlockBuffer>()
  readonly #waiters = new Map<number, Set<Waiter>>()
  readonly #settle: { resolve: () => void; reject: (error: unknown) => void }
  #failure: Error | undefined
  #discarded = false
  #checking = false

  constructor(blocks: TaskBlocks, listener: AssemblyListener, hasher: Hasher) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.done = promise
    this.done.catch(() => {})
    this.#settle = { resolve, reject }
    this.taskId = blocks.taskId
    this.#blocks = blocks
    this.#listener = listener
    this.#hasher = hasher
    this.map = new BlockMap(blocks.blockSizeBytes, blocks.sizeBytes)
    const digest = digestOfTask(blocks.taskId)
    this.#whole = digest === undefined ? undefined : new WholeDigest(hasher, digest)
    for (const block of blocks.present) this.account.diskBytes += this.lengthOf(block)
    if (blocks.complete) resolve()
    else this.#advance()
  }

  get sizeBytes(): number | undefined {
    return this.#blocks.sizeBytes
  }

  get blockSizeBytes(): number {
    return this.#blocks.blockSizeBytes
  }

  /** How many blocks the content has, once its size is known. */
  get blockCount(): number | undefined {
    return this.sizeBytes === undefined ? undefined : blockCountOf(this.sizeBytes, this.blockSizeBytes)
  }

  /** The blocks that are stored. */
  get present(): Bitfield {
    return this.#blocks.present
  }

  get complete(): boolean {
    return this.#blocks.complete
  }

  /** Why the content cannot come together here, if so. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Whether a block is verified and here. */
  has(block: number): boolean {
    return this.present.has(block) || this.#writing.has(block)
  }

  lengthOf(block: number): number {
    const { start, end } = blockRange(block, this.blockSizeBytes, this.sizeBytes)
    return end - start
  }

  /** Takes news of the block map. Stored blocks that contradict it are dropped. @throws DamselflyError MESSAGE_INVALID */
  async extendMap(from: number, digests: Uint8Array): Promise<void> {
    const known = this.map.length
    if (!this.map.extend(from, digests)) throw new DamselflyError('MESSAGE_INVALID', 'the block map has a gap')
    const wrong: number[] = []
    for (let block = known; block < this.map.length; block++) {
      const stored = this.#blocks.digestAt(block)
      const told = this.map.digestAt(block)
      if (stored !== undefined && told !== undefined && !sameBlockDigest(stored, told)) wrong.push(block)
    }
    for (const block of wrong) await this.#blocks.drop(block)
    if (wrong.length > 0) this.#listener.lost(wrong)
  }

  /** Says how long the content is. @throws DamselflyError SIZE_INVALID when it contradicts what is known */
  async setSize(sizeBytes: number): Promise<void> {
    await this.#blocks.setSize(sizeBytes)
    this.map.setSize(sizeBytes)
    for (const block of this.#waiters.keys()) {
      if (block >= blockCountOf(sizeBytes, this.blockSizeBytes)) this.#handOut(block, NOTHING)
    }
    this.#advance()
  }

  /**
   * Takes a block, and the caller's hold on it. What a peer or the supernode sends must match the block map; what the origin sends is the content itself,
   * and must match the map only where there is one.
   * @throws DamselflyError BLOCK_CORRUPT; STORE_FULL or STORE_FAILED, after which the assembly has failed
   */
  async accept(block: number, buffer: BlockBuffer, sender: BlockSender): Promise<void> {
    try {
      if (this.has(block) || this.#failure !== undefined) return
      const digest = await this.#hasher.blockDigest(buffer.bytes)
      this.#verify(block, digest, sender)
      // Another may have sent it meanwhile.
      if (!this.has(block) && this.#failure === undefined) await this.#store(block, digest, buffer, sender)
    } finally {
      buffer.release()
    }
  }

  async #store(block: number, digest: BlockDigest, buffer: BlockBuffer, sender: BlockSender): Promise<void> {
    book(this.account, sender, buffer.bytes.length)
    this.arrivals.add(block, sender)
    this.#writing.set(block, buffer)
    this.#handOut(block, buffer)
    try {
      await this.#blocks.write(block, digest, buffer)
    } catch (error) {
      this.fail(error as Error)
      throw error
    } finally {
      this.#writing.delete(block)
    }
    if (this.#discarded) return this.#blocks.drop(block)
    this.#listener.stored(block)
    this.#advance()
  }

  /**
   * A block's bytes, as soon as they are here; none for a block behind the end of the content. The caller holds the buffer.
   * @throws the failure of the assembly, or the signal's reason
   */
  async block(block: number, { signal }: { signal: AbortSignal }): Promise<BlockBuffer> {
    if (this.has(block)) return this.#held(block)
    if (block >= (this.blockCount ?? Number.POSITIVE_INFINITY)) return NOTHING
    if (this.#failure !== undefined) throw this.#failure
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<BlockBuffer>()
    const waiter: Waiter = { resolve, reject }
    const waiters = this.#waiters.get(block) ?? new Set()
    this.#waiters.set(block, waiters.add(waiter))
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
      waiters.delete(waiter)
    }
  }

  /** Stored blocks in one piece, as `TaskBlocks.run` gives them. */
  run(from: number, to: number): Promise<BlockBuffer | undefined> {
    return this.#blocks.run(from, to)
  }

  /** Brings a stored block into memory for a reader that is about to ask for it. */
  readAhead(block: number): void {
    if (!this.present.has(block)) return
    this.#blocks.block(block).then(
      ahead => ahead.release(),
      () => {},
    )
  }

  /** Gives up because the content is not what its digest says: no block of it is kept, or found by who opens the task anew. */
  async discard(detail: string): Promise<void> {
    this.#discarded = true
    const drops = [...this.present].map(block => this.#blocks.drop(block))
    this.fail(new DamselflyError('CONTENT_CORRUPT', detail))
    await Promise.all(drops)
  }

  /** Gives up: whoever waits gets the error and goes on from elsewhere. */
  fail(error: Error): void {
    if (this.#failure !== undefined || this.complete) return
    this.#failure = error
    this.#whole?.abandon()
    this.#settle.reject(error)
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.reject(error)
    this.#waiters.clear()
  }

  #verify(block: number, digest: BlockDigest, sender: BlockSender): void {
    const expected = this.map.digestAt(block)
    if (expected === undefined ? sender === 'origin' : sameBlockDigest(expected, digest)) return
    throw new DamselflyError('BLOCK_CORRUPT', `block ${block}`)
  }

  #handOut(block: number, buffer: BlockBuffer): void {
    for (const waiter of this.#waiters.get(block) ?? []) {
      buffer.retain()
      waiter.resolve(buffer)
    }
    this.#waiters.delete(block)
  }

  #advance(): void {
    this.#check().catch(error => this.fail(error as Error))
  }

  async #check(): Promise<void> {
    if (this.#whole !== undefined) await this.#hashOn(this.#whole)
    const { blockCount } = this
    const all = blockCount !== undefined && this.present.count >= blockCount
    if (!all || this.#checking || (this.#whole?.hashed ?? blockCount) < blockCount) return
    this.#checking = true
    const digest: string | undefined = await this.#whole?.digest()
    if (digest !== undefined && digest !== this.taskId) return this.discard(`expected ${this.taskId}, got ${digest}`)
    await this.#blocks.markComplete()
    this.#settle.resolve()
  }

  // A block may be stored in the moment in which a run of the hash ends for want of it; hence the loop.
  async #hashOn(whole: WholeDigest): Promise<void> {
    do {
      await whole.advance(block => (this.has(block) ? this.#held(block) : undefined))
    } while (this.has(whole.hashed))
  }

  /** A block that is here. The caller holds it. */
  async #held(block: number): Promise<BlockBuffer> {
    const writing = this.#writing.get(block)
    if (writing === undefined) return this.#blocks.block(block)
    writing.retain()
    return writing
  }
}
