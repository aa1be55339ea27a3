import { Bitfield } from '../../protocol/bitfield.ts'
import type { BlockDigest } from '../../protocol/block-map.ts'
import { copyInto } from '../../protocol/copy-into.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { BlockBuffer } from './block-buffers.ts'
import { BlockLoads, type BlockMemory, type WantedBlock } from './block-loads.ts'
import type { StoredTask, TaskShape } from './block-store.ts'
import type { CheckedBlocks } from './checked-blocks.ts'
import { blockLength, checkSize, isWhole, storedBytesOf } from './task-shape.ts'
import { findDamagedBlocks, isIntact } from './verify-blocks.ts'

/** What is kept about a task besides its blocks. */
export interface TaskRecord extends TaskShape {
  readonly complete: boolean
  readonly usedAt: number
  readonly pinned: boolean
}

/** Where one task's blocks and record are kept. Every failure is a DamselflyError, STORE_FULL or STORE_FAILED. */
export interface TaskBacking {
  /** Keeps the bytes and, once they are written, the digest. Does not hold on to `bytes`. */
  writeBlock(index: number, digest: BlockDigest, bytes: Uint8Array): Promise<void>
  /** Reads a written block from an offset on, and those behind it, as much as fits. @returns false when the bytes have gone */
  readBlock(index: number, offset: number, into: Uint8Array): Promise<boolean>
  dropBlock(index: number): Promise<void>
  saveRecord(record: TaskRecord): Promise<void>
  /** Waits for what is on its way to the disk. Throws when the disk has refused any of what was written. */
  flushed(): Promise<void>
  /** Ends access to the bytes, after the reads and writes under way. */
  close(): Promise<void>
}

export interface SharedTaskInit {
  readonly taskId: TaskId
  readonly record: TaskRecord
  /** Of the present blocks; each lies inside the content. */
  readonly digests: Map<number, BlockDigest>
  /** The blocks whose bytes are known to be what was written. The task keeps it up to date. */
  readonly checked: CheckedBlocks
  readonly memory: BlockMemory
}

interface Change {
  readonly kind: 'write' | 'drop'
  readonly done: Promise<void>
}

/**
 * The one entry that all openers of a task share. Different blocks change in parallel; changes of one block happen one
 * after the other, because the backing promises no order between calls.
 */
export class SharedTask {
  readonly taskId: TaskId
  readonly present = new Bitfield()
  readonly #backing: TaskBacking
  readonly #digests: Map<number, BlockDigest>
  readonly #checked: CheckedBlocks
  readonly #memory: BlockMemory
  readonly #loads: BlockLoads
  readonly #changes = new Map<number, Change>()
  #record: TaskRecord
  #lastSave: Promise<void> = Promise.resolve()
  #recordSaved = true
  #closed = false

  constructor({ taskId, record, digests, checked, memory }: SharedTaskInit, backing: TaskBacking) {
    this.taskId = taskId
    this.#memory = memory
    const read = (index: number, into: Uint8Array) => backing.readBlock(index, 0, into)
    this.#loads = new BlockLoads({ taskId, memory, checked, read })
    this.#record = record
    this.#digests = digests
    this.#checked = checked
    this.#backing = backing
    for (const index of digests.keys()) this.present.add(index)
  }

  get blockSizeBytes(): number {
    return this.#record.blockSizeBytes
  }

  get sizeBytes(): number | undefined {
    return this.#record.sizeBytes
  }

  get complete(): boolean {
    return this.#record.complete
  }

  get summary(): StoredTask {
    return { taskId: this.taskId, ...this.#record, storedBytes: storedBytesOf(this.#record, this.present) }
  }

  digestAt(index: number): BlockDigest | undefined {
    return this.#digests.get(index)
  }

  async setSize(sizeBytes: number): Promise<void> {
    this.#checkOpen()
    if (sizeBytes !== this.sizeBytes) {
      checkSize(sizeBytes, this.blockSizeBytes)
      if (this.sizeBytes !== undefined) {
        throw new DamselflyError('SIZE_INVALID', `the content has ${this.sizeBytes} bytes, not ${sizeBytes}`)
      }
      // Without a known size only full blocks are written, so each of them must end inside the content.
      for (const index of [...this.present, ...this.#writing()]) {
        if ((index + 1) * this.blockSizeBytes <= sizeBytes) continue
        throw new DamselflyError('SIZE_INVALID', `block ${index} does not fit into ${sizeBytes} bytes`)
      }
      this.#change({ sizeBytes })
    }
    await this.#save()
  }

  async write(index: number, digest: BlockDigest, block: BlockBuffer): Promise<void> {
    const { bytes } = block
    for (;;) {
      this.#checkOpen()
      const expected = blockLength(index, this.#record)
      if (bytes.length !== expected) {
        throw new DamselflyError('SIZE_INVALID', `block ${index} has ${bytes.length} bytes, expected ${expected}`)
      }
      if (this.present.has(index)) return
      const change = this.#changes.get(index)
      if (change === undefined) break
      if (change.kind === 'write') return change.done
      await change.done.catch(() => {})
    }
    const kept = Uint8Array.from(digest) as BlockDigest
    return this.#inTurn(index, 'write', async () => {
      await this.#backing.writeBlock(index, kept, bytes)
      this.#checked.add(index, bytes)
      this.#digests.set(index, kept)
      this.present.add(index)
      if (!this.#closed) this.#memory.recent.keep(this.taskId, index, block, { isRead: false })
    })
  }

  async block(index: number): Promise<BlockBuffer> {
    const block = await this.#load(index)
    if (block === undefined) throw notPresent(index)
    return block
  }

  async run(from: number, to: number): Promise<BlockBuffer | undefined> {
    this.#checkOpen()
    const run: WantedBlock[] = []
    for (let index = from; index < to; index++) {
      const wanted = this.#wanted(index)
      if (wanted === undefined) return undefined
      run.push(wanted)
    }
    return this.#loads.loadRun(run)
  }

  async read(index: number, offset = 0, lengthBytes?: number): Promise<BlockBuffer> {
    this.#checkOpen()
    const digest = this.#digests.get(index)
    if (digest === undefined) throw notPresent(index)
    const available = blockLength(index, this.#record)
    const length = lengthBytes ?? available - offset
    if (!Number.isInteger(offset) || !Number.isInteger(length) || offset < 0 || length < 0) {
      throw new DamselflyError('RANGE_INVALID', 'offset and length are whole numbers of bytes')
    }
    if (offset + length > available) throw new DamselflyError('RANGE_INVALID', `block ${index} has ${available} bytes`)
    const isChecked = this.#checked.has(index)
    const block = isChecked ? this.#memory.recent.get(this.taskId, index) : await this.block(index)
    const slice = this.#memory.buffers.take(length)
    if (block !== undefined) {
      copyInto(slice.bytes, 0, block.bytes.subarray(offset, offset + length))
      block.release()
      return slice
    }
    try {
      const isRead = await this.#backing.readBlock(index, offset, slice.bytes)
      if (!isRead && this.#digests.get(index) === digest) await this.drop(index)
      // A block that was dropped, or dropped and written again, while it was read may be a mixture.
      if (!isRead || this.#digests.get(index) !== digest) throw notPresent(index)
      slice.retain()
      return slice
    } finally {
      slice.release()
    }
  }

  async check(index: number): Promise<boolean> {
    if (this.#checked.has(index)) return this.present.has(index)
    const block = await this.#load(index)
    block?.release()
    return block !== undefined
  }

  async verify({ signal }: { signal: AbortSignal }): Promise<number[]> {
    this.#checkOpen()
    const digests = new Map(this.#digests)
    const found = await findDamagedBlocks(digests, (index, digest) => this.#isDamaged(index, digest), signal)
    const damaged = found.filter(index => this.#digests.get(index) === digests.get(index))
    for (const index of damaged) await this.drop(index)
    return damaged
  }

  async drop(index: number): Promise<void> {
    for (let change = this.#changes.get(index); change !== undefined; change = this.#changes.get(index)) {
      await change.done.catch(() => {})
    }
    this.#checkOpen()
    if (!this.present.delete(index)) return
    this.#digests.delete(index)
    this.#checked.delete(index)
    this.#memory.recent.drop(this.taskId, index)
    await this.#inTurn(index, 'drop', async () => {
      if (this.complete) this.#change({ complete: false })
      await this.#save()
      await this.#backing.dropBlock(index)
    })
  }

  async flushed(): Promise<void> {
    await this.#backing.flushed()
  }

  async markComplete(): Promise<void> {
    this.#checkOpen()
    if (!isWhole(this.#record, this.present.count)) {
      throw new DamselflyError('STORE_FAILED', `only ${this.present.count} blocks of the task are present`)
    }
    if (!this.complete) this.#change({ complete: true })
    await this.#save()
  }

  async pin(pinned: boolean): Promise<void> {
    this.#change({ pinned })
    await this.#save()
  }

  /** Notes that the task is in use. A full disk does not prevent that. @param wallTimeMs milliseconds since 1970 */
  async touch(wallTimeMs: number): Promise<void> {
    this.#change({ usedAt: wallTimeMs })
    await this.#save().catch(() => {})
  }

  /** Waits for the changes under way, then ends access to the bytes. Their callers learn of those that fail. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled([...this.#changes.values()].map(change => change.done))
    await this.#save().catch(() => {})
    this.#memory.recent.dropTask(this.taskId)
    await this.#backing.close()
  }

  /** A block; undefined when it is not present, or its bytes turned out to be gone or wrong. */
  async #load(index: number): Promise<BlockBuffer | undefined> {
    this.#checkOpen()
    const wanted = this.#wanted(index)
    if (wanted === undefined) return undefined
    const block = await this.#loads.load(wanted)
    if (block !== undefined && wanted.current()) return block
    block?.release()
    if (block === undefined && wanted.current()) await this.drop(index)
    return undefined
  }

  #wanted(index: number): WantedBlock | undefined {
    const digest = this.#digests.get(index)
    if (digest === undefined) return undefined
    // It may be dropped, and even written again, meanwhile.
    const current = () => !this.#closed && this.#digests.get(index) === digest
    return { index, lengthBytes: blockLength(index, this.#record), digest, current }
  }

  async #isDamaged(index: number, digest: BlockDigest): Promise<boolean> {
    const wanted = { lengthBytes: blockLength(index, this.#record), digest }
    return !(await isIntact(this.#memory, wanted, into => this.#backing.readBlock(index, 0, into)))
  }

  #checkOpen(): void {
    if (this.#closed) throw new DamselflyError('STORE_FAILED', 'the task is closed')
  }

  *#writing(): Generator<number> {
    for (const [index, { kind }] of this.#changes) if (kind === 'write') yield index
  }

  #inTurn(index: number, kind: Change['kind'], work: () => Promise<void>): Promise<void> {
    const done = work().finally(() => this.#changes.delete(index))
    this.#changes.set(index, { kind, done })
    return done
  }

  #change(fields: Partial<TaskRecord>): void {
    this.#record = { ...this.#record, ...fields }
    this.#recordSaved = false
  }

  /** Saves the record as it is when its turn comes. A save that failed is made up for by the next one. */
  #save(): Promise<void> {
    const saved = this.#lastSave
      .catch(() => {})
      .then(async () => {
        if (this.#recordSaved) return
        this.#recordSaved = true
        try {
          await this.#backing.saveRecord(this.#record)
        } catch (error) {
          this.#recordSaved = false
          throw error
        }
      })
    this.#lastSave = saved
    saved.catch(() => {})
    return saved
  }
}

function notPresent(index: number): DamselflyError {
  return new DamselflyError('STORE_FAILED', `block ${index} is not present`)
}
