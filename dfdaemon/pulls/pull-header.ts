import type { Account } from '../../dfget/peer/task/account.ts'
import type { TaskId } from '../../protocol/task.ts'

/** The response header that tells where content comes from. */
export const PULL_HEADER = 'damselfly-pull'

/**
 * Value of the header, a dictionary (RFC 9651): `id=7, task="sha256:…", disk=0, peers=1048576, supernode=0, origin=0,
 * reason="not-registered"`. It goes out before the body: the byte counts are those of what was here by then. The whole account is
 * under the id in `GET /v1/pulls`.
 */
export function pullHeader(id: number, taskId: TaskId | undefined, account: Readonly<Account>): string {
  const { diskBytes, peerBytes, supernodeBytes, originBytes, originReasons } = account
  const reasons = originReasons.map(({ why, code }) => (code === undefined ? why : `${why} ${code}`))
  return [
    `id=${id}`,
    ...(taskId === undefined ? [] : [`task="${taskId}"`]),
    `disk=${diskBytes}`,
    `peers=${peerBytes}`,
    `supernode=${supernodeBytes}`,
    `origin=${originBytes}`,
    ...(reasons.length === 0 ? [] : [`reason="${reasons.join(', ')}"`]),
  ].join(', ')
}
