import { formatBytes, formatDuration, formatShare, printable } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import type { PreheatedNode, PreheatJob, PreheatSummary } from '../../protocol/messages/preheat-api.ts'

const BAR_WIDTH = 24
/** Nodes with a line of their own, those first that are not done. */
const SHOWN_NODES = 20
const DIGEST_SHOWN = 19

const ORDER: Readonly<Record<PreheatedNode['state'], number>> = { failed: 0, away: 1, fetching: 2, waiting: 3, done: 4 }

/** A job for people, as lines without their ends. @param nowMs milliseconds since 1970 */
export function jobLines(job: PreheatJob, nowMs: number): string[] {
  const { contentList, nodeList, nodes, contents, sizeBytes } = job
  const storedBytes = contentList.reduce((sum, content) => sum + content.storedBytes, 0)
  const atNodes = nodeList.reduce((sum, node) => sum + node.storedBytes, 0)
  const size = sizeBytes === null ? '' : ` of ${formatBytes(sizeBytes)}`
  const reason = job.reason === null ? [] : [`${job.reason.code}: ${printable(job.reason.message)}`]
  if (contents.total === 0) return [headline(job, nowMs), ...reason]
  const failed = nodes.failed === 0 ? '' : `, ${nodes.failed} failed`
  return [
    headline(job, nowMs),
    `supernode ${bar(storedBytes, sizeBytes ?? 0)} ${contents.done} of ${contents.total} contents, ${formatBytes(storedBytes)}${size}`,
    `nodes     ${bar(atNodes, (sizeBytes ?? 0) * nodes.total)} ${nodes.done} of ${nodes.total} have all of it${failed}`,
    ...nodeLines(nodeList, sizeBytes),
    ...reason,
  ]
}

/** Jobs as a table, the newest first. @param nowMs milliseconds since 1970 */
export function jobsText(jobs: readonly PreheatSummary[], nowMs: number): string {
  if (jobs.length === 0) return 'there have been no preheats; "supernode preheat IMAGE" starts one\n'
  const rows = jobs.map(({ id, state, name, scope, contents, nodes, createdAt }) => [
    String(id),
    state,
    printable(name),
    printable(scope),
    `${contents.done}/${contents.total}`,
    `${nodes.done}/${nodes.total}`,
    `${formatDuration(Math.max(0, nowMs - createdAt))} ago`,
  ])
  const titles = ['ID', 'STATE', 'WHAT', 'SCOPE', 'CONTENTS', 'NODES', 'STARTED']
  return `${tableLines([titles, ...rows], 'left').join('\n')}\n`
}

function headline({ id, state, name, digest, scope, createdAt, endedAt }: PreheatJob, nowMs: number): string {
  const took = formatDuration(Math.max(0, (endedAt ?? nowMs) - createdAt))
  const pinned = digest === null || name.includes('@') ? '' : ` (${digest.slice(0, DIGEST_SHOWN)})`
  return `preheat ${id}: ${printable(name)}${pinned} to ${printable(scope)}, ${state} after ${took}`
}

function nodeLines(nodes: readonly PreheatedNode[], sizeBytes: number | null): string[] {
  const sorted = nodes.toSorted((a, b) => ORDER[a.state] - ORDER[b.state])
  const rows = sorted
    .slice(0, SHOWN_NODES)
    .map(({ name, state, storedBytes, reason }) => [
      `  ${printable(name)}`,
      state,
      sizeBytes === null ? '' : formatShare(storedBytes, sizeBytes),
      reason === null ? '' : printable(reason.message),
    ])
  const more = sorted.length > SHOWN_NODES ? [`  and ${sorted.length - SHOWN_NODES} more`] : []
  return [...tableLines(rows, 'left'), ...more]
}

function bar(part: number, whole: number): string {
  const filled = whole <= 0 ? 0 : Math.min(BAR_WIDTH, Math.floor((part / whole) * BAR_WIDTH))
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`
}
