import { writeSync } from 'node:fs'
import { url as inspectorUrl } from 'node:inspector'
import { describeError } from './describe-error.ts'

/** How a program speaks: `json`, a line as its log has them, or `text`, for people. */
export type GuardFormat = 'json' | 'text'

const STDERR = 2

/**
 * What happens to a program when it breaks, or when somebody tries to look into it:
 *
 * - An exception that nobody caught, or a promise whose failure nobody saw, ends it with code 1 after one line on stderr. What state
 *   it is in is not known, so it does not go on and does not tidy up: stores are made to be killed, whoever supervises it starts it
 *   again, and container runtimes go to the registry meanwhile. The line has messages and stacks but no other properties of errors.
 * - Diagnostic reports (`--report-on-fatalerror` and its like) leave out the environment.
 * - SIGUSR1 does not start the inspector, through which all memory can be read. Whoever asks for it with `--inspect` gets it, and a
 *   warning.
 *
 * For programs, never for the library. Called before anything else is loaded.
 */
export function guardProcess(program: string, format: GuardFormat): void {
  function say(level: number, message: string, thrown?: unknown): void {
    const line =
      format === 'json'
        ? {
            level,
            time: new Date().toISOString(),
            name: program,
            ...(thrown === undefined ? {} : { err: describeError(thrown) }),
          }
        : undefined
    const stack = thrown === undefined ? '' : `\n${describeError(thrown).stack ?? describeError(thrown).message}`
    write(line === undefined ? `${program}: ${message}${stack}` : JSON.stringify({ ...line, msg: message }))
  }

  if (process.report !== undefined) process.report.excludeEnv = true
  process.on('SIGUSR1', () => {})
  process.on('uncaughtException', thrown => {
    say(60, 'an error that nobody expected; the program ends', thrown)
    process.exit(1)
  })
  if (inspectorUrl() !== undefined)
    say(40, 'a debugger may read all memory of this program: it was started with --inspect')
}

function write(line: string): void {
  try {
    writeSync(STDERR, `${line}\n`)
  } catch {
    // Nobody listens.
  }
}
