import { isNamed } from '../scope.ts'
import type { PlanOutcome, PlanState, Reason } from './state.ts'
import { wantedNow } from './targets.ts'

const SHOWN_NODES = 5

/** How a job stands: undefined while there is something to do or to wait for. */
export function judge(state: PlanState, isCancelled: boolean): PlanOutcome | undefined {
  if (isCancelled) return { state: 'cancelled', reason: undefined }
  const broken = state.contents.find(content => content.state === 'failed')
  if (broken !== undefined) return { state: 'failed', reason: broken.reason }
  const isRead = state.contents.every(content => content.state === 'done' || content.state === 'skipped')
  const verdict = isRead ? judgeNodes(state) : undefined
  if (verdict !== undefined) return verdict
  return state.nowMs >= state.deadlineMs ? { state: 'failed', reason: lateness(state) } : undefined
}

function judgeNodes(state: PlanState): PlanOutcome | undefined {
  const { scope, standing } = state
  const nodes = [...state.nodes.values()]
  if (nodes.some(node => node.state === 'waiting' || node.state === 'fetching' || node.state === 'away'))
    return undefined
  const done = nodes.filter(node => node.state === 'done').length
  if ((scope.kind === 'count' || scope.kind === 'percent') && done < wantedNow(state)) return undefined
  if (scope.kind === 'nodes' && missingNames(state).length > 0) return undefined
  if (standing) return { state: 'standing', reason: undefined }
  if (scope.kind === 'labels' && nodes.length === 0) {
    return {
      state: 'failed',
      reason: { code: 'PEER_UNKNOWN', message: 'no linked node has these labels; see the labels setting of dfdaemon' },
    }
  }
  const failed = nodes.filter(node => node.state === 'failed')
  const isEnough = scope.kind === 'count' || scope.kind === 'percent' || failed.length === 0
  if (isEnough) return { state: 'succeeded', reason: undefined }
  return { state: 'failed', reason: nodesReason(state) }
}

/** What was not done in time. */
function lateness(state: PlanState): Reason {
  const unread = state.contents.filter(content => content.state !== 'done' && content.state !== 'skipped')
  if (unread.length > 0) {
    const why = unread.map(({ reason }) => reason).find(reason => reason !== undefined)
    const what = `${unread.length} of ${state.contents.length} contents were not read in time`
    return { code: why?.code ?? 'ORIGIN_UNREACHABLE', message: why === undefined ? what : `${what}: ${why.message}` }
  }
  return nodesReason(state)
}

function nodesReason(state: PlanState): Reason {
  const nodes = [...state.nodes.values()]
  const unfinished = nodes.filter(node => node.state !== 'done')
  const missing = missingNames(state)
  const lacking = Math.max(0, wantedNow(state) - nodes.length)
  const parts = [
    ...unfinished
      .slice(0, SHOWN_NODES)
      .map(
        ({ name, state, reason }) => `${name} ${STATES[state]}${reason === undefined ? '' : ` (${reason.message})`}`,
      ),
    ...(unfinished.length > SHOWN_NODES ? [`${unfinished.length - SHOWN_NODES} more`] : []),
    ...(missing.length > 0
      ? [`never linked: ${missing.slice(0, SHOWN_NODES).join(', ')}; start dfdaemon there, or leave them out`]
      : []),
    ...(missing.length === 0 && lacking > 0
      ? [`${lacking} more nodes are not linked; start them, or ask for fewer`]
      : []),
  ]
  const code =
    missing.length > 0 || lacking > 0
      ? 'PEER_UNKNOWN'
      : (unfinished.find(({ reason }) => reason)?.reason?.code ?? 'BLOCK_LATE')
  const total = Math.max(nodes.length, wantedNow(state))
  return {
    code,
    message: `${total - nodes.filter(node => node.state === 'done').length} of ${total} nodes do not have it: ${parts.join('; ')}`,
  }
}

const STATES = {
  waiting: 'was not reached in time',
  fetching: 'did not finish in time',
  done: 'has it',
  failed: 'could not fetch it',
  away: 'is not linked any more',
} as const

/** Names in the scope that no node has answered to. */
export function missingNames({ scope, nodes }: PlanState): string[] {
  if (scope.kind !== 'nodes') return []
  const present = [...nodes.values()]
  return scope.nodes.filter(wanted => !present.some(node => isNamed(node, wanted)))
}
