import { CommanderError } from 'commander'
import { connectionCode } from '../../lib/origin/connection-error.ts'
import { OriginError } from '../../lib/origin/origin-error.ts'
import { DamselflyError, type ErrorCode } from '../../protocol/errors.ts'
import { InterruptedError } from './interruption.ts'
import { PartlyFailedError } from './partly-failed-error.ts'
import { UnfinishedError } from './unfinished-error.ts'

/** What dfget ends with. What curl knows too has curl's number, and wrong content that of sysexits.h for wrong data. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  hostUnknown: 6,
  unreachable: 7,
  brokenOff: 18,
  refused: 22,
  notWritten: 23,
  notRead: 26,
  late: 28,
  rangeInvalid: 33,
  certificate: 60,
  wrongContent: 65,
  notInSwarm: 69,
  interrupted: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** What each of them means, for those who read the help. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'failed in a way that is not listed here'],
  [EXIT.usage, 'wrong usage'],
  [EXIT.hostUnknown, 'the host name is unknown'],
  [EXIT.unreachable, 'no connection to the origin or, where nothing else will do, to the supernode'],
  [EXIT.brokenOff, 'the origin broke off, or sent other content than it had announced or begun'],
  [EXIT.refused, 'the origin refused: 401, 403, 404, 410, 429, 5xx and the like; or the supernode has no such content'],
  [EXIT.notWritten, 'the file or the store cannot be written'],
  [EXIT.notRead, 'the file to be imported cannot be read'],
  [EXIT.late, 'the origin was silent for too long'],
  [EXIT.rangeInvalid, 'the content has no such range'],
  [EXIT.certificate, "the origin's certificate is not trusted"],
  [EXIT.wrongContent, 'the content does not have its digest'],
  [EXIT.notInSwarm, 'the swarm does not have it, and --disable-back-to-source was given'],
  [EXIT.interrupted, 'interrupted'],
]

const EXIT_BY_CODE: Readonly<Partial<Record<ErrorCode, ExitCode>>> = {
  CONFIG_INVALID: EXIT.usage,
  DIGEST_INVALID: EXIT.usage,
  REQUEST_INVALID: EXIT.usage,
  INPUT_FAILED: EXIT.notRead,
  ORIGIN_FAILED: EXIT.brokenOff,
  OUTPUT_FAILED: EXIT.notWritten,
  STORE_FAILED: EXIT.notWritten,
  STORE_FULL: EXIT.notWritten,
  // Of files of this machine, and as the node's dfdaemon tells it.
  BLOB_UNKNOWN: EXIT.refused,
  DENIED: EXIT.refused,
  TOOMANYREQUESTS: EXIT.refused,
  UNAUTHORIZED: EXIT.refused,
  RANGE_INVALID: EXIT.rangeInvalid,
  SUPERNODE_UNREACHABLE: EXIT.unreachable,
  TASK_UNKNOWN: EXIT.refused,
  CONTENT_CORRUPT: EXIT.wrongContent,
  BACK_TO_SOURCE_DISABLED: EXIT.notInSwarm,
}

/** Of connections, by the code of the system, of OpenSSL or of the HTTP client. */
const EXIT_BY_CONNECTION_CODE: readonly (readonly [RegExp, ExitCode])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, EXIT.hostUnknown],
  [/TIMEOUT$|^ETIMEDOUT$/, EXIT.late],
  [/CERT|^UNABLE_TO_(GET|VERIFY|DECODE)/, EXIT.certificate],
]

/** The exit code for whatever ended a run early, help and version among them. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof UnfinishedError || thrown instanceof PartlyFailedError) return exitCodeOf(thrown.cause)
  if (thrown instanceof InterruptedError) return EXIT.interrupted
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (!(thrown instanceof DamselflyError)) return EXIT.failed
  const isAnswer = thrown instanceof OriginError && (thrown.originStatus ?? 0) >= 400
  if (isAnswer) return thrown.code === 'RANGE_INVALID' ? EXIT.rangeInvalid : EXIT.refused
  if (thrown.cause !== undefined && /^ORIGIN_/.test(thrown.code)) {
    const code = connectionCode(thrown.cause)
    const known = EXIT_BY_CONNECTION_CODE.find(([pattern]) => pattern.test(code))
    if (known !== undefined) return known[1]
  }
  return thrown.code === 'ORIGIN_UNREACHABLE' ? EXIT.unreachable : (EXIT_BY_CODE[thrown.code] ?? EXIT.failed)
}
