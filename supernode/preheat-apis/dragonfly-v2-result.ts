import { type Static, Type } from 'typebox'
import type { PreheatedContent, PreheatedNode, PreheatJob } from '../../protocol/messages/preheat-api.ts'

const Place = {
  url: Type.String({ description: 'the content, or for a node what the job is for' }),
  hostname: Type.String({ description: 'the node, or "supernode"' }),
  ip: Type.String({ description: "a node's first address; empty for the supernode" }),
}
const SuccessTask = Type.Object(Place)
const FailureTask = Type.Object({ ...Place, description: Type.String() })

/** How a job went, as Dragonfly v2 shows it; Harbor prints it as a table in the log of its task. */
export const V2Result = Type.Object({
  job_states: Type.Array(
    Type.Object({
      error: Type.String({ description: 'empty without one' }),
      results: Type.Array(
        Type.Object({
          scheduler_cluster_id: Type.Integer({ description: 'always 1' }),
          success_tasks: Type.Array(SuccessTask),
          failure_tasks: Type.Array(FailureTask),
        }),
      ),
    }),
  ),
})
export type V2Result = Static<typeof V2Result>
type SuccessTask = Static<typeof SuccessTask>
type FailureTask = Static<typeof FailureTask>

/** Rows of each table: it is for people to read. */
const MAX_ROWS = 1_000
const SUPERNODE = 'supernode'

/** How a job that is over went: a row for each content at the supernode, and for each node. */
export function v2ResultOf(job: PreheatJob, hasFailed: boolean): V2Result {
  const { name, contentList, nodeList } = job
  const isDone = ({ state }: PreheatedContent | PreheatedNode) => state === 'done'
  // Of a job that has failed whatever is not done has failed; of one that stands, nodes that are away may still come.
  const isFailed = (entry: PreheatedContent | PreheatedNode) =>
    entry.state === 'failed' || (hasFailed && !isDone(entry) && entry.state !== 'skipped')
  const atSupernode = (content: PreheatedContent) => ({ url: content.name, hostname: SUPERNODE, ip: '' })
  const atNode = (node: PreheatedNode) => ({ url: name, hostname: node.name, ip: node.ips[0] ?? '' })
  const success_tasks: SuccessTask[] = [
    ...contentList.filter(isDone).map(atSupernode),
    ...nodeList.filter(isDone).map(atNode),
  ]
  const failure_tasks: FailureTask[] = [
    ...contentList.filter(isFailed).map(content => ({ ...atSupernode(content), description: reasonOf(content) })),
    ...nodeList.filter(isFailed).map(node => ({ ...atNode(node), description: reasonOf(node) })),
  ]
  return {
    job_states: [
      {
        error: hasFailed ? failureOf(job) : '',
        results: [
          {
            scheduler_cluster_id: 1,
            success_tasks: atMost(success_tasks, more => ({ url: more, hostname: '', ip: '' })),
            failure_tasks: atMost(failure_tasks, more => ({ url: more, hostname: '', ip: '', description: '' })),
          },
        ],
      },
    ],
  }
}

/** Why a job has failed, in one line. */
export function failureOf({ state, reason, nodes }: Pick<PreheatJob, 'state' | 'reason' | 'nodes'>): string {
  if (reason !== null) return `${reason.code}: ${reason.message}`
  if (state === 'cancelled') return 'it was cancelled'
  return `${nodes.done} of ${nodes.total} nodes have all of it, and ${nodes.failed} have failed`
}

function reasonOf({ state, reason }: PreheatedContent | PreheatedNode): string {
  return reason === null ? `it was ${state} when the job ended` : `${reason.code}: ${reason.message}`
}

function atMost<T>(rows: readonly T[], lastRow: (more: string) => T): T[] {
  if (rows.length <= MAX_ROWS) return [...rows]
  return [...rows.slice(0, MAX_ROWS), lastRow(`and ${rows.length - MAX_ROWS} more`)]
}
