import { parentPort, workerData } from 'node:worker_threads'
import { targetNamed } from '../targets.ts'
import { CurrentInput } from './current-input.ts'
import { type Failure, failureOf } from './failure.ts'
import { thisThread } from './run-delay.ts'
import { type RunFigures, type RunInit, runInputs } from './run-inputs.ts'

/** What a thread is to do: a run, or one input. */
export interface WorkerOrder {
  readonly target: string
  readonly memory: SharedArrayBuffer
  readonly work: { readonly run: RunInit } | { readonly replay: Uint8Array }
}

/** What a thread says. */
export type WorkerWord =
  | { readonly failure: Failure }
  | { readonly progress: number }
  | { readonly thread: string | undefined }
  | { readonly done: RunFigures }
  | { readonly replayed: { readonly failure: Failure | undefined; readonly ms: number } }

const { target: name, memory, work } = workerData as WorkerOrder
const target = targetNamed(name)
const current = new CurrentInput(memory)

// The YAML parser warns of what it doubts, once for each input.
process.removeAllListeners('warning')

function say(word: WorkerWord): void {
  parentPort?.postMessage(word)
}

say({ thread: thisThread() })
if ('run' in work) {
  const done = await runInputs(target, work.run, current, {
    failure: failure => say({ failure }),
    progress: progress => say({ progress }),
  })
  say({ done })
} else {
  const open = await target.open()
  current.begin(work.replay)
  const startedAt = performance.now()
  let failure: Failure | undefined
  try {
    await open.run(work.replay)
  } catch (error) {
    failure = failureOf(error, work.replay)
  }
  const ms = performance.now() - startedAt
  current.end()
  await open.close?.()
  say({ replayed: { failure, ms } })
}
// What a target leaves running is its own affair.
process.exit()
