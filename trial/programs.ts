import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError } from '../protocol/errors.ts'

/** Programs of this project that a trial starts. */
export type ProgramName = 'registry-mock' | 'supernode' | 'dfdaemon'

/** What to start, and the form of the JSON line in which it says that it is ready. */
export interface ProgramInit<Ready extends TSchema> {
  readonly program: ProgramName
  /** What the program is called in messages. */
  readonly label: string
  readonly args: readonly string[]
  readonly ready: Ready
  readonly startTimeoutMs: number
}

/** Child processes that live as long as the trial. */
export interface Programs extends AsyncDisposable {
  /** Aborts with DamselflyError PROGRAM_FAILED when a program ends that nobody stopped. */
  readonly failed: AbortSignal
  /**
   * Starts a program and waits until it is ready.
   * @throws DamselflyError PROGRAM_FAILED when it ends or is not ready in time; the signal's reason
   */
  start<Ready extends TSchema>(init: ProgramInit<Ready>, options: { signal: AbortSignal }): Promise<Static<Ready>>
}

const KEPT_LINES = 12
const STOP_DEADLINE_MS = 6_000

const MAIN = 'main.ts'

/** No programs yet. Disposing ends all that were started: SIGTERM, then SIGKILL after six seconds. */
export function createPrograms(): Programs {
  const running = new Set<ChildProcess>()
  const failure = new AbortController()
  let stopping = false
  const killAtExit = () => {
    for (const child of running) child.kill('SIGKILL')
  }
  process.prependListener('exit', killAtExit)

  async function start<Ready extends TSchema>(
    { program, label, args, ready, startTimeoutMs }: ProgramInit<Ready>,
    { signal }: { signal: AbortSignal },
  ): Promise<Static<Ready>> {
    signal.throwIfAborted()
    const main = join(import.meta.dirname, '..', program, MAIN)
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    const lastWords = collectLines(child.stderr)
    const fail = (what: string) => {
      if (!stopping)
        failure.abort(new DamselflyError('PROGRAM_FAILED', [`${label} ${what}`, ...lastWords].join('\n  ')))
    }
    child.once('error', error => fail(`did not start: ${error.message}`))
    // Not before `close`, so that what it had to say has been read.
    child.once('close', (code, signalName) => {
      running.delete(child)
      fail(signalName === null ? `ended with exit code ${code}` : `was ended by ${signalName}`)
    })
    const timer = setTimeout(() => fail(`was not ready within ${startTimeoutMs} ms`), startTimeoutMs)
    try {
      const line: unknown = JSON.parse(await unlessAborted(firstLine(child.stdout), failure.signal, signal))
      if (Value.Check(ready, line)) return line
      throw new DamselflyError('PROGRAM_FAILED', `${label} said that it is ready in an unexpected form`)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    failed: failure.signal,
    start,
    async [Symbol.asyncDispose]() {
      stopping = true
      await Promise.all([...running].map(stop))
      process.off('exit', killAtExit)
    },
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise(resolve => child.once('close', resolve))
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
  await ended
  clearTimeout(killer)
}

/** The last lines of a stream; the array changes as they come. */
function collectLines(stream: Readable): readonly string[] {
  const lines: string[] = []
  createInterface({ input: stream }).on('line', line => {
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
  })
  return lines
}

/** Stays pending when the stream ends without one. Later lines are read and dropped, so that the program never blocks. */
function firstLine(stream: Readable): Promise<string> {
  return new Promise(resolve => createInterface({ input: stream }).on('line', resolve))
}

function unlessAborted<T>(work: Promise<T>, ...signals: AbortSignal[]): Promise<T> {
  const signal = AbortSignal.any(signals)
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
