import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { HashAnswer, HashTask, HashWork } from './hash-messages.ts'

/** Beside this file, and built as it is. */
const PROGRAM = new URL(`./hash-worker${extname(import.meta.filename)}`, import.meta.url)

/** MiB for the heap of a thread, which holds next to nothing: bytes are in shared memory. */
const LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 }

/** Tasks that the thread has at a time: enough that it need not wait for the next. */
const MAX_SENT = 3

interface Asked {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

/** One thread that hashes. It begins with the first question, and again after it broke, and ends when it has had nothing to do. */
export class HashThread {
  readonly #asked = new Map<number, Asked>()
  #worker: Worker | undefined
  readonly #restAfterMs: number
  /** What it must not forget: the digesters that have begun. */
  readonly #begun = new Set<number>()
  #resting: NodeJS.Timeout | undefined
  /**
   * What the thread will be told when it has less to do. What belongs to a digester goes first: it comes one piece at a time, and behind
   * the blocks of a whole download each piece would be out of memory before its turn.
   */
  readonly #first: HashTask[] = []
  readonly #later: HashTask[] = []
  #sent = 0
  #nextId = 0
  #runs = 0

  /** @param restAfterMs how long the thread stays without work; it takes 16 to 32 MiB */
  constructor(restAfterMs: number) {
    this.#restAfterMs = restAfterMs
  }

  /** How many questions wait for an answer. */
  get waiting(): number {
    return this.#asked.size
  }

  /** Another number each time the thread had to begin anew, and had forgotten what it had been told. */
  get run(): number {
    return this.#runs
  }

  /** @throws Error when the thread breaks or is stopped */
  ask<Result extends HashAnswer['result']>(work: HashWork): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    this.#asked.set(this.#nextId, { resolve, reject })
    this.tell(work)
    this.#worker?.ref()
    return promise
  }

  /** Gives it work whose result nobody waits for. */
  tell(work: HashWork): void {
    if (work.type === 'update') this.#begun.add(work.digester)
    else if (work.type !== 'block') this.#begun.delete(work.digester)
    const queue = work.type === 'block' ? this.#later : this.#first
    queue.push({ ...work, id: this.#nextId++ })
    this.#worker ??= this.#begin()
    this.#send(this.#worker)
    this.#restIfIdle()
  }

  async stop(): Promise<void> {
    const worker = this.#worker
    this.#end(new Error('hashing was stopped'))
    await worker?.terminate()
  }

  #send(worker: Worker): void {
    while (this.#sent < MAX_SENT) {
      const next = this.#first.shift() ?? this.#later.shift()
      if (next === undefined) return
      this.#sent++
      worker.postMessage(next)
    }
  }

  #begin(): Worker {
    this.#runs++
    const worker = new Worker(PROGRAM, { resourceLimits: LIMITS })
    worker.on('message', ({ id, result }: HashAnswer) => {
      if (this.#worker !== worker) return
      this.#sent--
      this.#send(worker)
      this.#asked.get(id)?.resolve(result as never)
      this.#asked.delete(id)
      // It keeps a program alive only while somebody waits for it.
      if (this.#asked.size === 0) worker.unref()
      this.#restIfIdle()
    })
    worker.on('error', error => {
      if (this.#worker === worker) this.#end(error as Error)
    })
    return worker
  }

  #restIfIdle(): void {
    clearTimeout(this.#resting)
    if (this.#asked.size > 0 || this.#begun.size > 0) return
    this.#resting = setTimeout(() => void this.stop(), this.#restAfterMs)
    this.#resting.unref()
  }

  #end(error: Error): void {
    clearTimeout(this.#resting)
    this.#begun.clear()
    this.#first.length = 0
    this.#later.length = 0
    this.#sent = 0
    this.#worker = undefined
    for (const { reject } of this.#asked.values()) reject(error)
    this.#asked.clear()
  }
}
