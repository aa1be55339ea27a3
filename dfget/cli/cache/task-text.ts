import { formatBytes, formatShare, printable } from '../../../lib/terminal/format.ts'
import { tableLines } from '../../../lib/terminal/table.ts'
import type { LocatedTask, TaskHolder } from '../../../protocol/messages/task-api.ts'

const STATES: Readonly<Record<LocatedTask['state'], string>> = {
  idle: 'in part',
  reading: 'in part, the rest is on its way',
  complete: 'complete',
  failed: 'in part, since its origin broke off',
}

const REPLICA_TEXTS: Readonly<Record<TaskHolder['replica'], string>> = {
  kept: 'replica',
  asked: 'replica, on its way',
  none: '',
}

/** A task for people: what it is, how much of it the supernode has, and who else. */
export function taskText(task: LocatedTask): string {
  const holders = task.holders.toSorted((a, b) => b.storedBytes - a.storedBytes || (a.id < b.id ? -1 : 1))
  const rows = holders.map(holder => [
    holder.id,
    printable(holder.labels.zone ?? '-'),
    `${holder.blocks}`,
    formatBytes(holder.storedBytes),
    task.sizeBytes === null ? '' : formatShare(holder.storedBytes, task.sizeBytes),
    REPLICA_TEXTS[holder.replica],
  ])
  const table =
    rows.length === 0 ? ['no peer has any of it'] : tableLines([['PEER', 'ZONE', 'BLOCKS', 'STORED', '', ''], ...rows])
  return `${[task.id, contentLine(task), supernodeLine(task), ...replicaLines(task), '', ...table].join('\n')}\n`
}

function contentLine({ sizeBytes, blockSizeBytes, small }: LocatedTask): string {
  if (sizeBytes === null) return `of unknown length, in blocks of ${formatBytes(blockSizeBytes)}`
  if (small) return `${formatBytes(sizeBytes)}, given in one piece by the supernode`
  const blocks = Math.ceil(sizeBytes / blockSizeBytes)
  return `${formatBytes(sizeBytes)} in ${blocks} ${blocks === 1 ? 'block' : 'blocks'} of up to ${formatBytes(blockSizeBytes)}`
}

function supernodeLine({ state, sizeBytes, storedBytes, imported, pinned }: LocatedTask): string {
  const share = state === 'complete' || sizeBytes === null ? '' : ` (${formatShare(storedBytes, sizeBytes)})`
  const facts = [`${STATES[state]}${share}`, ...(imported ? ['imported'] : []), ...(pinned ? ['pinned'] : [])]
  return `at the supernode: ${facts.join(', ')}`
}

function replicaLines({ imported, replicas: { wanted, kept, underWay } }: LocatedTask): string[] {
  if (!imported) return []
  const more = underWay > 0 ? `, ${underWay} on ${underWay === 1 ? 'its' : 'their'} way` : ''
  return [`replicas: ${kept} of ${wanted}${more}`]
}
