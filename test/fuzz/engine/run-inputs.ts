import { setImmediate as nextTurn } from 'node:timers/promises'
import { createRandom } from '../../../supernode/scheduler/random.ts'
import { Corpus } from './corpus.ts'
import type { CurrentInput } from './current-input.ts'
import { type Failure, failureOf } from './failure.ts'
import { type MemoryUse, measureMemory } from './memory.ts'
import { minimise } from './minimise.ts'
import { runDelayMs, thisThread } from './run-delay.ts'
import type { FuzzTarget, OpenTarget } from './target.ts'

/** How long a run takes, and where it begins. */
export interface RunInit {
  readonly seed: number
  /** Ends with whichever comes first. */
  readonly inputs: number
  readonly seconds: number
}

/** What a run came to. */
export interface RunFigures {
  readonly inputs: number
  readonly seconds: number
  readonly slowestMs: number
  /** Since the warm-up. */
  readonly grown: MemoryUse
  /** In the last two fifths: memory that is taken once and used again grows no more by then, and a leak does. */
  readonly grownLate: MemoryUse
}

/** Who hears of a run. */
export interface RunListener {
  failure(failure: Failure): void
  progress(inputs: number): void
}

/** An input that takes longer hangs. */
export const HANG_MS = 1_000

/** How often others get their turn: timers, sockets, rejections that nobody handles. */
const TURN_MS = 20
/** Memory is first measured after this part of a run, when what is kept for speed is there. */
const WARM_UP = { share: 0.2, inputs: 200_000, seconds: 10 }
const LATE_SHARE = 0.6
const MOST_FAILURES = 20

/** Gives a target one input after the other. */
export async function runInputs(
  target: FuzzTarget,
  init: RunInit,
  current: CurrentInput,
  listener: RunListener,
): Promise<RunFigures> {
  const open = await target.open()
  const corpus = new Corpus(target, createRandom(init.seed))
  const take = createTaker(open, current)
  const failures = new Set<string>()
  let slowestMs = 0
  let baseline: MemoryUse | undefined
  let middle: MemoryUse | undefined
  let inputs = 0

  const fail = async (failure: Failure): Promise<void> => {
    if (failures.has(failure.signature) || failures.size >= MOST_FAILURES) return
    failures.add(failure.signature)
    listener.failure(await smallest(failure, take))
  }

  const beganAt = performance.now()
  let turnedAt = beganAt
  for (; inputs < init.inputs; inputs++) {
    const input = corpus.next()
    const startedAt = performance.now()
    const failure = await take(input)
    const endedAt = performance.now()
    // A pause of the whole process is not the input's: the shorter of two times counts.
    if (endedAt - startedAt > slowestMs && endedAt - startedAt > 5) {
      slowestMs = Math.max(slowestMs, Math.min(endedAt - startedAt, await timeOf(take, input)))
    } else slowestMs = Math.max(slowestMs, endedAt - startedAt)
    if (failure !== undefined) await fail(failure)
    if (endedAt - turnedAt < TURN_MS) continue

    await nextTurn()
    turnedAt = performance.now()
    listener.progress(inputs)
    for (const stray of take.strays()) await fail(stray)
    const elapsed = (turnedAt - beganAt) / 1000
    if (elapsed >= init.seconds) break
    const isWarm = inputs >= Math.min(WARM_UP.inputs, init.inputs * WARM_UP.share)
    if (baseline === undefined && (isWarm || elapsed > Math.min(WARM_UP.seconds, init.seconds * WARM_UP.share))) {
      baseline = await measureMemory()
    } else if (middle === undefined && Math.max(inputs / init.inputs, elapsed / init.seconds) >= LATE_SHARE) {
      middle = await measureMemory()
    }
  }
  await nextTurn()
  for (const stray of take.strays()) await fail(stray)
  const seconds = (performance.now() - beganAt) / 1000
  const end = await measureMemory()
  await open.close?.()
  take.dispose()
  const grown = difference(end, baseline ?? end)
  return { inputs, seconds, slowestMs, grown, grownLate: difference(end, middle ?? baseline ?? end) }
}

function difference(after: MemoryUse, before: MemoryUse): MemoryUse {
  return { heap: after.heap - before.heap, rss: after.rss - before.rss }
}

/** Takes an input. @returns how it failed, if it did */
interface Taker {
  (input: Uint8Array): Promise<Failure | undefined>
  /** Failures that nobody waited for, since the last call. */
  strays(): Failure[]
  dispose(): void
}

function createTaker(open: OpenTarget, current: CurrentInput): Taker {
  let found: Failure[] = []
  let last: Uint8Array = new Uint8Array(0)
  const onStray = (error: unknown): void => void found.push(failureOf(error, last))
  process.on('unhandledRejection', onStray)
  process.on('uncaughtException', onStray)
  const take = async (input: Uint8Array): Promise<Failure | undefined> => {
    last = input
    current.begin(input)
    try {
      const running = open.run(input)
      if (running !== undefined) await running
      return undefined
    } catch (error) {
      return failureOf(error, input)
    } finally {
      current.end()
    }
  }
  return Object.assign(take, {
    strays() {
      const strays = found
      found = []
      return strays
    },
    dispose() {
      process.off('unhandledRejection', onStray)
      process.off('uncaughtException', onStray)
    },
  })
}

/** How long an input takes, but for the time in which this thread had no processor. */
async function timeOf(take: Taker, input: Uint8Array): Promise<number> {
  const thread = thisThread()
  const delayedMs = runDelayMs(thread)
  const startedAt = performance.now()
  await take(input)
  return performance.now() - startedAt - (runDelayMs(thread) - delayedMs)
}

async function smallest(failure: Failure, take: Taker): Promise<Failure> {
  const { input, signature } = failure
  if (input === undefined) return failure
  const fails = async (candidate: Uint8Array) => (await take(candidate))?.signature === signature
  if (!(await fails(input))) return failure
  return { ...failure, input: await minimise(input, fails) }
}
