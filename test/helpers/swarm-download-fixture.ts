import type { BlockClient, BlockWant } from '../../dfget/peer/exchange/block-client.ts'
import { Assembly } from '../../dfget/peer/task/assembly.ts'
import { RequestPump } from '../../dfget/peer/task/request-pump.ts'
import { SwarmDownload } from '../../dfget/peer/task/swarm-download.ts'
import { type BlockBuffer, ownBuffer } from '../../lib/blocks/block-buffers.ts'
import { MemoryBlockStore } from '../../lib/blocks/memory-block-store.ts'
import { createInlineHasher } from '../../lib/hashing/inline-hasher.ts'
import { silentLogger } from '../../lib/logger.ts'
import type { TaskId } from '../../protocol/task.ts'
import { seededBytes } from './blob.ts'
import { blocksOf, taskOf } from './content-blocks.ts'
import { createManualClock } from './manual-clock.ts'
import { bitfieldOf } from './scheduler-fixture.ts'

/** Two blocks fill a link. */
const BLOCK_BYTES = 512 * 1024
const TICK_MS = 100
const ANSWER_MS = 10

/** A request that a peer was sent. */
export interface SentRequest {
  readonly peer: string
  readonly task: TaskId
  readonly block: number
  state: 'waiting' | 'answered' | 'aborted'
  readonly resolve: (block: BlockBuffer) => void
  readonly reject: (error: Error) => void
}

/** A download with the map of its content known. */
export interface TestDownload {
  readonly swarm: SwarmDownload
  readonly assembly: Assembly
  bytesOf(block: number): Uint8Array
}

/** A node whose requests are answered by the test. Its store is to be started and stopped. */
export class SwarmDownloadFixture {
  readonly clock = createManualClock()
  readonly pump = new RequestPump(this.clock)
  readonly store = new MemoryBlockStore()
  readonly sent: SentRequest[] = []
  /** Peers that send nothing, by when they fell silent. */
  readonly silentSince = new Map<string, number>()
  /** What the supernode was told, as `peer kind`. */
  readonly reports: string[] = []
  /** What the node says that nobody waits for. */
  readonly backgroundTasks = new Set<TaskId>()
  /** Peers from which the node has parted. */
  readonly parted: string[] = []

  /** Begins the download of so many blocks of content. */
  async download(blocks: number, { seed = 'content', background = false } = {}): Promise<TestDownload> {
    const content = seededBytes(blocks * BLOCK_BYTES, seed)
    const all = blocksOf(content, BLOCK_BYTES)
    const shape = { blockSizeBytes: BLOCK_BYTES, sizeBytes: content.length }
    const listener = { stored: (block: number) => swarm.stored(block), lost() {} }
    const assembly = new Assembly(await this.store.open(taskOf(content), shape), listener, createInlineHasher())
    await assembly.extendMap(0, Buffer.concat(all.map(({ digest }) => digest)))
    const swarm: SwarmDownload = new SwarmDownload(
      {
        assembly,
        pump: this.pump,
        backgroundTasks: this.backgroundTasks,
        ticket: () => 'ticket',
        clientOf: peer => this.#clientOf(peer),
        heads: () => [0],
        report: (about, kind) => this.reports.push(`${about} ${kind}`),
        disconnect: peer => this.parted.push(peer),
        clock: this.clock,
        logger: silentLogger(),
      },
      { supernode: { id: 'supernode', addresses: [] }, background, seed: 1 },
    )
    return { swarm, assembly, bytesOf: block => all[block]?.bytes ?? new Uint8Array() }
  }

  /** A neighbour joins and delivers a block, which shows what it can do. */
  async proven(download: TestDownload, peer: string, blocks: Iterable<number>): Promise<void> {
    download.swarm.neighbourJoined(peer, bitfieldOf(blocks))
    await this.settled()
    await this.answer(download, this.of(peer)[0])
  }

  /** Requests that have been neither answered nor aborted. */
  waiting(): SentRequest[] {
    return this.sent.filter(({ state }) => state === 'waiting')
  }

  /** Those of them that one peer was sent. */
  of(peer: string): SentRequest[] {
    return this.waiting().filter(request => request.peer === peer)
  }

  /** Answers a request as an honest peer does; the block is stored afterwards. */
  async answer(download: TestDownload, request: SentRequest | undefined): Promise<void> {
    if (request === undefined) throw new Error('there is no such request')
    if (request.task !== download.assembly.taskId) throw new Error('the request is one of another download')
    request.state = 'answered'
    this.clock.advance(ANSWER_MS)
    request.resolve(ownBuffer(download.bytesOf(request.block)))
    await this.settled()
    if (!download.assembly.present.has(request.block)) throw new Error(`block ${request.block} was not stored`)
  }

  async refuse(request: SentRequest | undefined, error: Error): Promise<void> {
    if (request === undefined) throw new Error('there is no such request')
    request.state = 'answered'
    request.reject(error)
    await this.settled()
  }

  /** Lets time pass as in a peer, which ticks ten times a second. */
  async pass(ms: number, ...downloads: readonly TestDownload[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      this.clock.advance(TICK_MS)
      for (const { swarm } of downloads) swarm.tick()
      this.pump.tick()
      await this.settled()
    }
  }

  /** Resolves when all that follows from what has happened has happened: no timer and no I/O is involved. */
  settled(): Promise<void> {
    return new Promise(setImmediate)
  }

  #clientOf(peer: string): Pick<BlockClient, 'fetch' | 'silentMs'> {
    const since = this.silentSince.get(peer)
    return {
      silentMs: since === undefined ? 0 : this.clock.now() - since,
      fetch: async ({ task, block }: BlockWant, { signal }: { signal: AbortSignal }) => {
        const { promise, resolve, reject } = Promise.withResolvers<BlockBuffer>()
        const request: SentRequest = { peer, task, block, state: 'waiting', resolve, reject }
        this.sent.push(request)
        signal.addEventListener('abort', () => {
          if (request.state !== 'waiting') return
          request.state = 'aborted'
          reject(signal.reason)
        })
        return await promise
      },
    }
  }
}

/** The requests as `peer:block`, in order. */
export function namesOf(requests: readonly SentRequest[]): string[] {
  return requests.map(({ peer, block }) => `${peer}:${block}`)
}
