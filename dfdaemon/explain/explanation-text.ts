import { type Account, sumOfAccounts } from '../../dfget/peer/task/account.ts'
import { formatBytes, formatElapsed, formatShare, printable } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import type { BlobStory } from './blob-story.ts'
import type { Explanation } from './explain.ts'
import { errorText, originReasonText } from './origin-reason-text.ts'

const HEADING = ['blob', 'kind', 'size', 'requests', 'took', 'from disk', 'from peers', 'from supernode', 'from origin']

/** The story for people. @param title what was asked about */
export function explanationText({ blobs, manifestProblem }: Explanation, title: string): string {
  const lines = [printable(title)]
  if (manifestProblem !== undefined) {
    lines.push(
      `Its manifest is not to be had: ${printable(manifestProblem)}.`,
      'Told is what was pulled from its repository.',
    )
  }
  const asked = blobs.filter(blob => blob.requests.all > 0)
  if (asked.length === 0)
    return `${[...lines, 'Nothing of it was asked for since this dfdaemon started.'].join('\n')}\n`
  const total = sumOfAccounts(asked.map(blob => blob.account))
  const table = [
    HEADING,
    ...blobs.map(rowOf),
    ...(blobs.length > 1 ? [['all', '', '', '', '', ...amounts(total)]] : []),
  ]
  lines.push('', ...tableLines(table).map(line => `  ${line}`), '', ...shareText(total))
  for (const blob of asked) lines.push(...remarks(blob))
  return `${lines.join('\n')}\n`
}

/** The story as one line for programs. */
export function explanationLine(explanation: Explanation, subject: Readonly<Record<string, string>>): string {
  const { blobs, manifestProblem } = explanation
  const account = sumOfAccounts(blobs.map(blob => blob.account))
  return `${JSON.stringify({ ...subject, blobs, account, manifestProblem: manifestProblem ?? null })}\n`
}

function rowOf({ digest, kind, sizeBytes, requests, spanMs, account }: BlobStory): string[] {
  const size = sizeBytes === undefined ? '' : formatBytes(sizeBytes)
  if (spanMs === undefined) return [shortDigest(digest), kind ?? '', size, 'none']
  return [shortDigest(digest), kind ?? '', size, `${requests.all}`, formatElapsed(spanMs), ...amounts(account)]
}

function amounts({ diskBytes, peerBytes, supernodeBytes, originBytes }: Readonly<Account>): string[] {
  return [diskBytes, peerBytes, supernodeBytes, originBytes].map(formatBytes)
}

function shareText({ diskBytes, peerBytes, supernodeBytes, originBytes }: Readonly<Account>): string[] {
  const swarmBytes = diskBytes + peerBytes + supernodeBytes
  const all = swarmBytes + originBytes
  if (all === 0) return []
  return [
    `${formatShare(swarmBytes, all)} came from this node or the swarm, ${formatShare(originBytes, all)} from the origin.`,
  ]
}

function remarks({ digest, requests, account, errorCodes }: BlobStory): string[] {
  const name = shortDigest(digest)
  const { originBytes, originReasons } = account
  return [
    ...(originBytes === 0 ? [] : originReasons).map(
      reason => `  ${name} was read from the origin: ${originReasonText(reason)}.`,
    ),
    ...(requests.running === 0 ? [] : [`  ${name} is being sent to ${countText(requests.running, 'client')}.`]),
    ...(requests['cut-short'] === 0 ? [] : [`  ${name}: clients hung up early ${timesText(requests['cut-short'])}.`]),
    ...(requests.failed === 0
      ? []
      : [`  ${name}: ${countText(requests.failed, 'request')} failed: ${errorCodes.map(errorText).join('; ')}.`]),
  ]
}

function timesText(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function shortDigest(digest: string): string {
  return digest.slice(0, digest.indexOf(':') + 13)
}
