import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { commandInNamespace } from './namespace-command.ts'
import { collectTail, type OutputTail } from './output-tail.ts'
import { waitFor } from './wait.ts'

const STOP_DEADLINE_MS = 10_000
const RUN_TIMEOUT_MS = 120_000
const QUOTED_LINES = 30

/** Where and how a child process runs. */
export interface ProcessOptions {
  /** The network namespace to run in; the test's own by default. */
  readonly namespace?: string
  readonly cwd?: string
  /** The whole environment; the test's own by default. */
  readonly env?: NodeJS.ProcessEnv
  /** Where stderr goes instead of into `ChildProcess.stderr`; made or emptied at the start. */
  readonly stderrFile?: string
  /** Whether `ChildProcess.type` has somebody to type to; standard input is empty by default. */
  readonly typed?: boolean
}

/** How a child process ended. */
export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A child process of a test. Whoever starts it stops it, or hands it to an `AsyncDisposableStack`. */
export interface ChildProcess extends AsyncDisposable {
  readonly pid: number
  readonly stdout: OutputTail
  readonly stderr: OutputTail
  /** Resolves when the process has ended and its output is complete. */
  readonly exited: Promise<ProcessExit>
  /** Waits for a condition. @throws Error with the end of stderr when the process ends first or time is up */
  waitUntil<T>(condition: () => T | Promise<T>, options: { timeoutMs: number; what: string }): Promise<T>
  /** Waits for a line on stdout or stderr. @throws Error as `waitUntil` does */
  waitForLine(
    stream: 'stdout' | 'stderr',
    matches: (line: string) => boolean,
    options: { timeoutMs: number },
  ): Promise<string>
  /** Writes to its standard input, which stays open; only for a process that was started as `typed`. */
  type(text: string): void
  /** Sends a signal; nothing happens when the process has ended. */
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, then SIGKILL after the deadline (10 s by default). May be repeated. */
  stop(options?: { deadlineMs?: number }): Promise<ProcessExit>
}

/** Starts a program. @throws Error when it cannot be started */
export async function startProcess(
  command: string,
  args: readonly string[],
  { namespace, cwd, env, stderrFile, typed = false }: ProcessOptions = {},
): Promise<ChildProcess> {
  const [file, ...rest] = namespace === undefined ? [command, ...args] : commandInNamespace(namespace, command, args)
  const stderrHandle = stderrFile === undefined ? undefined : await open(stderrFile, 'w')
  const stdin = typed ? 'pipe' : 'ignore'
  const child = spawn(file, rest, { cwd, env, stdio: [stdin, 'pipe', stderrHandle?.fd ?? 'pipe'] })
  child.stdin?.on('error', () => {})
  const stdout = collectTail(child.stdout)
  const stderr = collectTail(child.stderr)
  let exit: ProcessExit | undefined
  const exited = new Promise<ProcessExit>(resolve => {
    child.once('close', (code, signal) => {
      exit = { code, signal }
      resolve(exit)
    })
  })
  try {
    await once(child, 'spawn')
  } finally {
    await stderrHandle?.close()
  }
  const pid = child.pid
  if (pid === undefined) throw new Error(`${command} has no process id`)

  function report(): string {
    const state = exit === undefined ? 'running' : `ended with ${exit.signal ?? exit.code}`
    return `${command} (${state}); the end of its stderr:\n${lastLines(stderr.text())}`
  }

  async function waitUntil<T>(
    condition: () => T | Promise<T>,
    { timeoutMs, what }: { timeoutMs: number; what: string },
  ): Promise<T> {
    return await waitFor(
      async () => {
        // Read before the condition, so that the last output of an ended process is still looked at.
        const ended = exit !== undefined
        const value = await condition()
        if (!value && ended) throw new Error(`waited in vain for ${what} from ${report()}`)
        return value
      },
      { timeoutMs, what: () => `${what} from ${report()}` },
    )
  }

  async function stop({ deadlineMs = STOP_DEADLINE_MS } = {}): Promise<ProcessExit> {
    if (exit !== undefined) return exit
    child.kill('SIGTERM')
    const killer = setTimeout(() => {
      child.kill('SIGKILL')
      // A grandchild that holds the pipes open must not hold up the end.
      child.stdout?.destroy()
      child.stderr?.destroy()
    }, deadlineMs)
    try {
      return await exited
    } finally {
      clearTimeout(killer)
    }
  }

  return {
    pid,
    stdout,
    stderr,
    exited,
    waitUntil,
    async waitForLine(stream, matches, options) {
      const source = stream === 'stdout' ? stdout : stderr
      const line = await waitUntil(() => source.lines().find(matches), { ...options, what: `a line on ${stream}` })
      return line ?? ''
    },
    type: text => void child.stdin?.write(text),
    signal: signal => void child.kill(signal),
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

/** Runs a program to its end and returns what it printed. @throws Error when it fails or takes too long (2 minutes) */
export async function run(
  command: string,
  args: readonly string[],
  { timeoutMs = RUN_TIMEOUT_MS, ...options }: ProcessOptions & { timeoutMs?: number } = {},
): Promise<{ stdout: string; stderr: string }> {
  await using child = await startProcess(command, args, options)
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.signal('SIGKILL')
  }, timeoutMs)
  const { code, signal } = await child.exited
  clearTimeout(timer)
  const output = { stdout: child.stdout.text(), stderr: child.stderr.text() }
  if (code === 0) return output
  const reason = late ? `took more than ${timeoutMs} ms` : `ended with ${signal ?? code}`
  throw new Error(`${[command, ...args].join(' ')} ${reason}:\n${lastLines(output.stderr + output.stdout)}`)
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-QUOTED_LINES).join('\n')
}
