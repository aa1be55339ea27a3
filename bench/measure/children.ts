import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { withSignal } from '../../lib/with-signal.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { collectTail } from '../../test/helpers/output-tail.ts'
import type { Answer, Question } from './answer-parent.ts'

/** A process of a benchmark that answers questions (`answer-parent.ts`). */
export interface Child {
  readonly pid: number
  /**
   * Asks and waits for the answer. Questions to one child must not overlap.
   * @throws DamselflyError PROGRAM_FAILED when any of the children ends or this one does not answer in time; the signal's reason
   */
  ask<Answered>(question: string, options: { argument?: unknown; timeoutMs: number }): Promise<Answered>
}

/** Processes of a benchmark. Disposing ends them; they end too when this process does. */
export interface Children extends AsyncDisposable {
  /**
   * Starts a module as a process of its own.
   * @param label what it is called in messages
   * @throws DamselflyError PROGRAM_FAILED, the signal's reason
   */
  start(label: string, module: URL, ...args: readonly string[]): Promise<Child>
}

/** When one process fails, those that it talked to do too, and which was the first is not known: so long all are heard. */
const HEAR_ALL_MS = 250
const STOP_DEADLINE_MS = 5_000
const QUOTED_LINES = 12

/** No processes yet. @param options the signal ends what waits for answers */
export function createChildren({ signal }: { signal: AbortSignal }): Children {
  const running = new Set<ChildProcess>()
  const failure = new AbortController()
  const failures: string[] = []
  const over = AbortSignal.any([signal, failure.signal])
  let hearingAll: NodeJS.Timeout | undefined
  let stopping = false
  const killAtExit = () => {
    for (const child of running) child.kill('SIGKILL')
  }
  process.prependListener('exit', killAtExit)

  function fail(text: string): void {
    if (stopping) return
    failures.push(text)
    hearingAll ??= setTimeout(
      () => failure.abort(new DamselflyError('PROGRAM_FAILED', failures.join('\n'))),
      HEAR_ALL_MS,
    )
  }

  return {
    async start(label, module, ...args) {
      over.throwIfAborted()
      const child = fork(module, args, { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
      running.add(child)
      const stderr = collectTail(child.stderr)
      child.on('error', error => fail(`${label}: ${error.message}`))
      // Not before `close`, so that what it had to say has been read.
      child.once('close', (code, signalName) => {
        running.delete(child)
        const end = signalName === null ? `ended with exit code ${code}` : `was ended by ${signalName}`
        fail([`${label} ${end}`, ...lastLines(stderr.text())].join('\n  '))
      })
      await withSignal(once(child, 'spawn'), over)
      return { pid: child.pid ?? 0, ask: (name, options) => ask(child, label, name, { ...options, signal: over }) }
    },
    async [Symbol.asyncDispose]() {
      stopping = true
      clearTimeout(hearingAll)
      await Promise.all([...running].map(stop))
      process.off('exit', killAtExit)
    },
  }
}

async function ask<Answered>(
  child: ChildProcess,
  label: string,
  name: string,
  { argument, timeoutMs, signal }: { argument?: unknown; timeoutMs: number; signal: AbortSignal },
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  const onMessage = ({ answer }: Answer) => resolve(answer as Answered)
  const onTimeout = () =>
    reject(new DamselflyError('PROGRAM_FAILED', `${label} did not answer "${name}" in ${timeoutMs} ms`))
  const timer = setTimeout(onTimeout, timeoutMs)
  child.on('message', onMessage)
  try {
    // That a child is gone is told by its end, with what it had to say.
    child.send({ name, argument } satisfies Question, () => {})
    return await withSignal(promise, signal)
  } finally {
    clearTimeout(timer)
    child.off('message', onMessage)
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
  try {
    await ended
  } finally {
    clearTimeout(killer)
  }
}

function lastLines(text: string): string[] {
  return text.trimEnd().split('\n').slice(-QUOTED_LINES)
}
