import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { CurrentInput } from './current-input.ts'
import type { Failure } from './failure.ts'
import type { MemoryUse } from './memory.ts'
import { minimise } from './minimise.ts'
import { runDelayMs } from './run-delay.ts'
import { HANG_MS, type RunFigures, type RunInit } from './run-inputs.ts'
import type { FuzzTarget } from './target.ts'
import type { WorkerOrder, WorkerWord } from './worker.ts'

/** A run that is over. */
export interface Run {
  readonly figures: RunFigures
  readonly failures: readonly Failure[]
}

/** Growth that is no leak: compiled code, caches of V8 and of libraries, memory that the allocator keeps. In MiB. */
const GROWTH_MIB = { heap: 8, rss: 128 }
const NOTHING: MemoryUse = { heap: 0, rss: 0 }
/** A leak makes half of its growth in the last two fifths; part of what is allowed that is none yet. */
const STILL_GROWING = 0.25
/** Objects of one thread, at most: what needs more is a failure of its own, which does not end this process. */
const HEAP_MIB = 1_024
const LOOK_EVERY_MS = 100
/** A thread that takes so long for an input is stopped; another try shows whether the machine was to blame. */
const STUCK_MS = HANG_MS + LOOK_EVERY_MS
/** Each try on an input that hangs takes a second. */
const HANGING_RUNS = 24
/** Threads that follow each other because the machine is busy. */
const MAX_THREADS = 100
/** Between the seeds of those. */
const SEED_STEP = 1_000_003

const WORKER = new URL('./worker.ts', import.meta.url)

/** What became of a thread. */
type End = { readonly stuckOn: Uint8Array } | { readonly outOfMemoryOn: Uint8Array } | { readonly words: WorkerWord[] }

/**
 * Runs a target in a thread of its own, so that an input that hangs or takes all memory is told like any other failure. A thread that was
 * stopped because the machine was busy is followed by another one, with other inputs.
 * @param heard is told how many inputs have been taken
 */
export async function superviseRun(
  target: FuzzTarget,
  init: RunInit,
  heard: (inputs: number) => void,
  options: { signal: AbortSignal },
): Promise<Run> {
  let all = await superviseThread(target, init, heard, options)
  for (let threads = 1; all.brokenOff && threads < MAX_THREADS; threads++) {
    const { inputs, seconds } = all.figures
    const rest = {
      seed: init.seed + threads * SEED_STEP,
      inputs: init.inputs - inputs,
      seconds: init.seconds - seconds,
    }
    if (rest.inputs <= 0 || rest.seconds <= 0) break
    all = joined(all, await superviseThread(target, rest, more => heard(inputs + more), options))
  }
  return all
}

/** What one thread came to. */
interface Part extends Run {
  /** It was stopped, and no input was to blame. */
  readonly brokenOff: boolean
}

function joined(one: Part, other: Part): Part {
  const known = new Set(one.failures.map(({ signature }) => signature))
  const { figures: a } = one
  const { figures: b } = other
  return {
    figures: {
      inputs: a.inputs + b.inputs,
      seconds: a.seconds + b.seconds,
      slowestMs: Math.max(a.slowestMs, b.slowestMs),
      grown: greater(a.grown, b.grown),
      grownLate: greater(a.grownLate, b.grownLate),
    },
    failures: [...one.failures, ...other.failures.filter(({ signature }) => !known.has(signature))],
    brokenOff: other.brokenOff,
  }
}

function greater(one: MemoryUse, other: MemoryUse): MemoryUse {
  return { heap: Math.max(one.heap, other.heap), rss: Math.max(one.rss, other.rss) }
}

async function superviseThread(
  target: FuzzTarget,
  init: RunInit,
  heard: (inputs: number) => void,
  options: { signal: AbortSignal },
): Promise<Part> {
  const failures: Failure[] = []
  let inputs = 0
  const beganAt = performance.now()
  const end = await runWorker(target, { run: init }, options, word => {
    if ('failure' in word) failures.push(word.failure)
    if (!('progress' in word)) return
    inputs = word.progress
    heard(inputs)
  })
  const done = 'words' in end ? end.words.find(word => 'done' in word)?.done : undefined
  if (done !== undefined) {
    const { slowestMs } = done
    const growth = growthOf(target, done)
    if (growth !== undefined) failures.push(growth)
    if (slowestMs > HANG_MS) failures.push(slow(undefined, `an input took ${Math.round(slowestMs)} ms`))
    return { figures: done, failures, brokenOff: false }
  }
  const seconds = (performance.now() - beganAt) / 1000
  const figures = { inputs, seconds, slowestMs: 0, grown: NOTHING, grownLate: NOTHING }
  if ('stuckOn' in end) {
    const hang = await hangOf(target, end.stuckOn, options)
    if (hang === undefined) return { figures, failures, brokenOff: true }
    return { figures: { ...figures, slowestMs: HANG_MS }, failures: [...failures, hang], brokenOff: false }
  }
  if ('outOfMemoryOn' in end) {
    const text = `more than ${HEAP_MIB} MiB of objects`
    failures.push({ kind: 'memory', signature: 'out of memory', text, input: end.outOfMemoryOn })
  } else failures.push({ kind: 'threw', signature: 'ended', text: 'the thread ended by itself', input: undefined })
  return { figures, failures, brokenOff: false }
}

/** Gives a target one input. @returns how it failed, if it did */
export async function replay(
  target: FuzzTarget,
  input: Uint8Array,
  options: { signal: AbortSignal },
): Promise<{ failure: Failure | undefined; ms: number }> {
  const end = await runWorker(target, { replay: input }, options)
  if ('stuckOn' in end) return { failure: slow(input, `not done after ${HANG_MS} ms`), ms: HANG_MS }
  if ('outOfMemoryOn' in end) {
    return { failure: { kind: 'memory', signature: 'out of memory', text: 'out of memory', input }, ms: 0 }
  }
  const replayed = end.words.find(word => 'replayed' in word)?.replayed
  if (replayed === undefined) throw new Error('the thread ended before its time')
  return replayed.ms > HANG_MS ? { ...replayed, failure: slow(input, `took ${Math.round(replayed.ms)} ms`) } : replayed
}

/** The failure of a run that keeps more than its target may, and goes on to. */
export function growthOf(
  { growthMiB = GROWTH_MIB }: Pick<FuzzTarget, 'growthMiB'>,
  { grown, grownLate }: Pick<RunFigures, 'grown' | 'grownLate'>,
): Failure | undefined {
  const isLeak = (kind: keyof MemoryUse) =>
    grown[kind] > growthMiB[kind] && grownLate[kind] > growthMiB[kind] * STILL_GROWING
  if (!isLeak('heap') && !isLeak('rss')) return undefined
  const text = `the heap grew by ${grown.heap.toFixed(1)} MiB, the process by ${grown.rss.toFixed(1)} MiB`
  return { kind: 'growth', signature: 'growth', text, input: undefined }
}

function slow(input: Uint8Array | undefined, text: string): Failure {
  return { kind: 'slow', signature: 'slow', text, input }
}

/** The smallest input that still hangs; undefined if it was the machine that did. */
async function hangOf(
  target: FuzzTarget,
  input: Uint8Array,
  options: { signal: AbortSignal },
): Promise<Failure | undefined> {
  const hangs = async (candidate: Uint8Array) => (await replay(target, candidate, options)).failure?.kind === 'slow'
  if (!(await hangs(input))) return undefined
  return slow(await minimise(input, hangs, HANGING_RUNS), `not done after ${HANG_MS} ms`)
}

async function runWorker(
  target: FuzzTarget,
  work: WorkerOrder['work'],
  { signal }: { signal: AbortSignal },
  heard: (word: WorkerWord) => void = () => {},
): Promise<End> {
  signal.throwIfAborted()
  setFlagsFromString('--expose-gc')
  const current = new CurrentInput(target)
  const workerData: WorkerOrder = { target: target.name, memory: current.memory, work }
  const worker = new Worker(WORKER, { workerData, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } })
  const words: WorkerWord[] = []
  let thread: string | undefined
  const { promise, resolve, reject } = Promise.withResolvers<End>()
  worker.on('message', (word: WorkerWord) => {
    if ('thread' in word) thread = word.thread
    else if (!('progress' in word)) words.push(word)
    heard(word)
  })
  worker.on('error', error => {
    const isFull = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
    if (isFull) resolve({ outOfMemoryOn: current.read() })
    else reject(error)
  })
  worker.on('exit', () => resolve({ words }))
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const watch = watchTurns(
    current,
    () => performance.now() - runDelayMs(thread),
    input => resolve({ stuckOn: input }),
  )
  try {
    return await promise
  } finally {
    clearInterval(watch)
    signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}

/** Looks whether an input is being taken for too long. @param clock stands still while the thread has no processor */
function watchTurns(current: CurrentInput, clock: () => number, stuck: (input: Uint8Array) => void): NodeJS.Timeout {
  let turn = current.turn
  let since = clock()
  return setInterval(() => {
    const now = clock()
    if (current.turn !== turn) {
      turn = current.turn
      since = now
    } else if (turn % 2 === 1 && now - since > STUCK_MS) stuck(current.read())
  }, LOOK_EVERY_MS)
}
