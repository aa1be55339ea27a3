import { CommanderError } from 'commander'
import { DamselflyError, type ErrorCode } from '../../protocol/errors.ts'
import { InterruptedError } from './interruption.ts'
import { UnfinishedError } from './unfinished-error.ts'

/** What dfget ends with. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Failures that another command line would not have. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set(['CONFIG_INVALID', 'DIGEST_INVALID', 'REQUEST_INVALID'])

/** The exit code for whatever ended a run early, help and version among them. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof UnfinishedError) return exitCodeOf(thrown.cause)
  if (thrown instanceof InterruptedError) return EXIT.interrupted
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage
  return thrown instanceof DamselflyError && USAGE_CODES.has(thrown.code) ? EXIT.usage : EXIT.failed
}
