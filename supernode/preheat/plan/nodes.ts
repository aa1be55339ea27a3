import type { TaskId } from '../../../protocol/task.ts'
import type { PlanEffect, PlannedNode, PlanState } from './state.ts'

/** A node has all of a content. */
export function markDone({ nodes, contents }: PlanState, peer: string, task: TaskId): void {
  const node = nodes.get(peer)
  const index = contents.findIndex(content => content.task === task)
  if (node === undefined || index < 0 || !node.asked.delete(index)) return
  node.done.add(index)
  node.tries.clear()
  node.reason = undefined
}

/** Nodes that have all there is are done, and no longer so when there is more. O(nodes), since it is looked at after each event. */
export function settleNodes({ nodes, contents }: PlanState): void {
  const isAllKnown = contents.every(({ state }) => state !== 'failed')
  const skipped = [...contents.keys()].filter(index => contents[index]?.state === 'skipped')
  for (const node of nodes.values()) {
    if (node.state === 'away' || node.state === 'failed') continue
    const spared = skipped.filter(index => !node.done.has(index)).length
    const hasAll = isAllKnown && node.done.size + spared === contents.length
    if (hasAll) node.state = 'done'
    else if (node.state === 'done') node.state = 'waiting'
  }
}

/**
 * Asks as many nodes as may fetch at once for all that can be fetched.
 * @param isMore whether there is more to fetch than before: only then is there anything to ask those for who fetch already
 */
export function askNodes(state: PlanState, effects: PlanEffect[], isMore: boolean): void {
  const { nodes, nowMs, config } = state
  let fetching = 0
  for (const node of nodes.values()) {
    if (node.state !== 'fetching') continue
    fetching++
    if (isMore) askNode(state, node, effects)
  }
  for (const node of nodes.values()) {
    if (fetching >= config.nodesAtOnce) return
    if (node.state !== 'waiting' || node.notBeforeMs > nowMs) continue
    node.state = 'fetching'
    fetching++
    askNode(state, node, effects)
  }
}

function askNode({ contents }: PlanState, node: PlannedNode, effects: PlanEffect[]): void {
  for (const [index, { state }] of contents.entries()) {
    const canBeFetched = state === 'open' || state === 'done'
    if (!canBeFetched || node.done.has(index) || node.asked.has(index)) continue
    node.asked.add(index)
    effects.push({ type: 'fetch', peer: node.id, content: index })
  }
}
