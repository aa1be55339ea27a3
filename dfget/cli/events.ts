import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type Account, emptyAccount } from '../peer/task/account.ts'
import type { ProgressSource } from '../progress/progress-display.ts'
import { exitCodeOf } from './exit-code.ts'
import { failureText } from './failure-text.ts'

/** Where bytes came from, as events tell it. */
type EventBytes = Pick<Account, 'peerBytes' | 'supernodeBytes' | 'originBytes' | 'diskBytes'>

/** What `--json` tells programs of a run, one object a line. The fields are part of the command's interface. */
export type DownloadEvent =
  | { readonly event: 'begin'; readonly url: string; readonly output: string }
  | ({
      readonly event: 'progress'
      readonly url: string
      readonly doneBytes: number
      /** Null while nobody knows. */
      readonly sizeBytes: number | null
    } & EventBytes)
  | { readonly event: 'retry'; readonly url: string; readonly message: string; readonly pauseMs: number }
  | { readonly event: 'skipped'; readonly url: string }
  | ({
      readonly event: 'done'
      readonly url: string
      /** Absolute path, or `-`. */
      readonly output: string
      readonly sizeBytes: number
      /** What was asked for, else the sha256. */
      readonly digest: Digest
      readonly durationMs: number
    } & EventBytes)
  | {
      readonly event: 'failed'
      readonly url: string
      /** From the error table; null for what it does not have. */
      readonly code: string | null
      readonly exitCode: number
      readonly message: string
    }

/** Writes events as lines, or drops them. */
export type TellEvent = (event: DownloadEvent) => void

/** @param isWanted whether anybody reads them */
export function createEventTeller(stdout: { write(text: string): unknown }, isWanted: boolean): TellEvent {
  return isWanted ? event => void stdout.write(`${JSON.stringify(event)}\n`) : () => {}
}

/** Where bytes came from, without the reasons. */
export function eventBytes(account: Readonly<Account> = emptyAccount()): EventBytes {
  const { peerBytes, supernodeBytes, originBytes, diskBytes } = account
  return { peerBytes, supernodeBytes, originBytes, diskBytes }
}

/** How far a download is. */
export function progressEvent(url: string, { doneBytes, sizeBytes, account }: ProgressSource): DownloadEvent {
  return { event: 'progress', url, doneBytes, sizeBytes: sizeBytes ?? null, ...eventBytes(account) }
}

/** Why a download has failed, or could not begin. @param url what was asked for */
export function failureEvent(url: string, error: unknown): DownloadEvent {
  const code = error instanceof DamselflyError ? error.code : null
  return { event: 'failed', url, code, exitCode: exitCodeOf(error), message: failureText(error) ?? '' }
}
