import { CommanderError } from 'commander'
import { OriginError } from '../../lib/origin/origin-error.ts'
import { formatBytes, printable } from '../../lib/terminal/format.ts'
import { DamselflyError, type ErrorCode } from '../../protocol/errors.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { InterruptedError } from './interruption.ts'
import { PartlyFailedError } from './partly-failed-error.ts'
import { UnfinishedError } from './unfinished-error.ts'

/** What to do about an origin's answer, by its status. */
const STATUS_ADVICE: Readonly<Record<number, string>> = {
  401: "it wants credentials; give them with -H 'Authorization: …'",
  403: 'it does not let you read this; check the credentials and the URL',
  404: 'it has no such file; check the URL',
  410: 'the file is gone; check the URL',
  429: 'it has had too many requests; try again later',
}

const CODE_ADVICE: Readonly<Partial<Record<ErrorCode, string>>> = {
  CONTENT_CORRUPT: 'the file was not kept; check the digest, or ask whoever offers the file',
  SUPERNODE_UNREACHABLE: 'check --supernode and the network',
  ORIGIN_UNREACHABLE: 'check the URL and the network',
  BACK_TO_SOURCE_DISABLED: 'check --supernode, or leave out --disable-back-to-source',
}

/**
 * One line that says what went wrong and what to do. A bug keeps its stack.
 * @returns undefined for what the command-line parser has printed itself
 */
export function failureText(thrown: unknown): string | undefined {
  if (thrown instanceof CommanderError) return undefined
  if (thrown instanceof InterruptedError) return 'interrupted'
  if (thrown instanceof PartlyFailedError) return thrown.message
  if (thrown instanceof UnfinishedError) {
    const kept = `${formatBytes(thrown.storedBytes)} of verified blocks are kept ${thrown.place}`
    const command = thrown.several ? 'the same command with --skip-existing' : 'the same command'
    return `${failureText(thrown.cause)}; ${printable(kept)}, ${command} resumes`
  }
  if (thrown instanceof OriginError && thrown.originStatus !== undefined && thrown.originStatus >= 400) {
    const later = thrown.originStatus >= 500 ? 'it has trouble of its own; try again later' : 'check the URL'
    return printable(`${thrown.detail}: ${STATUS_ADVICE[thrown.originStatus] ?? later}`)
  }
  if (exitCodeOf(thrown) === EXIT.certificate) {
    return printable(`${(thrown as Error).message}; --cacert names a file with the certificate of whoever signed it`)
  }
  if (thrown instanceof DamselflyError) {
    const advice = CODE_ADVICE[thrown.code]
    return printable(advice === undefined ? thrown.message : `${thrown.message}; ${advice}`)
  }
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
}
