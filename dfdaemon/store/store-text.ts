import { formatBytes, formatDuration, formatShare } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import type { StoreStatus } from '../../protocol/messages/daemon-api.ts'

/** What is stored, for people: a line for each task, those first that were used last, and how full the store is. */
export function storeText({ tasks, space }: StoreStatus, nowMs: number): string {
  const rows = tasks
    .toSorted((a, b) => b.usedAt - a.usedAt)
    .map(task => [
      task.id,
      formatBytes(task.storedBytes),
      task.complete ? 'complete' : partText(task),
      `${formatDuration(Math.max(0, nowMs - task.usedAt))} ago`,
      task.pinned ? 'pinned' : '',
    ])
  const lines = rows.length === 0 ? [] : [...tableLines([['TASK', 'STORED', '', 'LAST USED', ''], ...rows]), '']
  return `${[...lines, spaceLine(space)].join('\n')}\n`
}

function partText({ storedBytes, sizeBytes }: StoreStatus['tasks'][number]): string {
  return sizeBytes === null ? 'part' : `${formatShare(storedBytes, sizeBytes)} of it`
}

function spaceLine({ tasks, storedBytes, claimedBytes, pinnedBytes, capacityBytes }: StoreStatus['space']): string {
  const parts = [
    `${tasks} ${tasks === 1 ? 'task' : 'tasks'}`,
    `${formatBytes(storedBytes)} stored`,
    ...(claimedBytes > storedBytes ? [`${formatBytes(claimedBytes - storedBytes)} on the way`] : []),
    ...(pinnedBytes > 0 ? [`${formatBytes(pinnedBytes)} pinned`] : []),
    capacityBytes === null ? 'no limit' : `room for ${formatBytes(Math.max(0, capacityBytes - claimedBytes))} more`,
  ]
  return parts.join(', ')
}
