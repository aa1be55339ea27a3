import type { Digest } from '../../protocol/digest.ts'
import type { Account } from '../peer/task/account.ts'

/** What `--json` says of a finished download. */
export interface DownloadResult {
  readonly url: string
  /** Absolute path. */
  readonly output: string
  readonly sizeBytes: number
  /** What was asked for, else the sha256. */
  readonly digest: Digest
  readonly durationMs: number
  readonly account: Readonly<Account>
}

/** The object as one line. Its fields are part of the command's interface. */
export function resultLine({ account, durationMs, ...result }: DownloadResult): string {
  const { peerBytes, supernodeBytes, originBytes, diskBytes } = account
  const fields = { ...result, durationMs: Math.round(durationMs), peerBytes, supernodeBytes, originBytes, diskBytes }
  return `${JSON.stringify(fields)}\n`
}
