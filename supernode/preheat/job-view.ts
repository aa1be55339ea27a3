import type { Digest } from '../../protocol/digest.ts'
import type {
  PreheatedContent,
  PreheatedNode,
  PreheatJob,
  PreheatRequest,
  PreheatState,
  PreheatSummary,
} from '../../protocol/messages/preheat-api.ts'
import type { TaskId } from '../../protocol/task.ts'
import { missingNames } from './plan/outcome.ts'
import type { PlannedContent, PlannedNode, PlanOutcome, PlanState } from './plan/state.ts'
import type { WantedContent } from './resolve-image.ts'

/** How much of each content is where. */
export interface JobProgress {
  /** At the supernode; undefined for a content that is not open there. */
  stored(task: TaskId): { readonly storedBytes: number; readonly sizeBytes: number | undefined } | undefined
  /** At each linked node that has some of it, in bytes. */
  atNodes(task: TaskId): ReadonlyMap<string, number>
}

/** What a job is shown from. */
export interface ShownJob {
  readonly id: number
  readonly name: string
  readonly request: PreheatRequest
  readonly createdAt: number
  readonly lastsMs: number | undefined
  readonly digest: Digest | undefined
  readonly contents: readonly WantedContent[]
  readonly plan: PlanState | undefined
  readonly outcome: PlanOutcome | undefined
  readonly endedAt: number | undefined
}

const MAX_NAME = 1_024

/** A job for the API. */
export function jobView(progress: JobProgress, job: ShownJob): PreheatJob {
  const { plan, request } = job
  const planned = plan?.contents ?? []
  const contentList = planned.map((content, index) => contentView(progress, job.contents[index], content))
  const tasks = planned.map(({ task }) => task)
  const atNodes = tasks.map(task => (task === undefined ? undefined : progress.atNodes(task)))
  const nodeList = [
    ...[...(plan?.nodes.values() ?? [])].map(node => nodeView(node, contentList, atNodes)),
    ...(plan === undefined ? [] : missingNames(plan)).map(neverLinked),
  ]
  return {
    ...summaryView(job, contentList, nodeList),
    platforms: request.platforms ?? [],
    standing: request.standing ?? false,
    contentList,
    nodeList,
  }
}

/** A job for a list of jobs. */
export function summaryOf(job: PreheatJob): PreheatSummary {
  const { platforms, standing, contentList, nodeList, ...summary } = job
  return summary
}

function summaryView(
  { id, name, request, createdAt, lastsMs, digest, plan, outcome, endedAt }: ShownJob,
  contents: readonly PreheatedContent[],
  nodes: readonly PreheatedNode[],
): PreheatSummary {
  const isSized = plan !== undefined && contents.every(({ sizeBytes }) => sizeBytes !== null)
  return {
    id,
    state: stateOf(plan, outcome),
    name: name.slice(0, MAX_NAME),
    digest: digest ?? null,
    scope: request.scope ?? 'all',
    createdAt,
    endedAt: endedAt ?? null,
    deadlineAt: lastsMs === undefined ? null : createdAt + lastsMs,
    reason: outcome?.reason ?? null,
    sizeBytes: isSized ? contents.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0) : null,
    contents: {
      done: contents.filter(({ state }) => state === 'done' || state === 'skipped').length,
      total: contents.length,
    },
    nodes: {
      done: nodes.filter(({ state }) => state === 'done').length,
      failed: nodes.filter(({ state }) => state === 'failed').length,
      total: nodes.length,
    },
  }
}

function stateOf(plan: PlanState | undefined, outcome: PlanOutcome | undefined): PreheatState {
  return outcome?.state ?? (plan === undefined ? 'pending' : 'running')
}

function contentView(
  progress: JobProgress,
  wanted: WantedContent | undefined,
  { state, task, reason }: PlannedContent,
): PreheatedContent {
  const stored = task === undefined ? undefined : progress.stored(task)
  const sizeBytes = stored?.sizeBytes ?? wanted?.sizeBytes ?? null
  return {
    task: task ?? null,
    name: (wanted?.name ?? '').slice(0, MAX_NAME),
    state: state === 'open' ? 'reading' : state,
    sizeBytes,
    storedBytes: state === 'done' ? (sizeBytes ?? 0) : (stored?.storedBytes ?? 0),
    reason: reason ?? null,
  }
}

function nodeView(
  { id, name, labels, ips, state, done, reason }: PlannedNode,
  contents: readonly PreheatedContent[],
  atNodes: readonly (ReadonlyMap<string, number> | undefined)[],
): PreheatedNode {
  const storedBytes = contents.reduce((sum, { sizeBytes }, index) => {
    return sum + (done.has(index) ? (sizeBytes ?? 0) : (atNodes[index]?.get(id) ?? 0))
  }, 0)
  return { id, name, labels, ips: [...ips], state, contentsDone: done.size, storedBytes, reason: reason ?? null }
}

function neverLinked(name: string): PreheatedNode {
  return { id: null, name, labels: {}, ips: [], state: 'away', contentsDone: 0, storedBytes: 0, reason: null }
}
