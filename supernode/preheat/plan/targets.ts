import { hasLabels, isNamed, type LinkedNode } from '../scope.ts'
import type { PlannedNode, PlanState } from './state.ts'

/**
 * A node is linked: it becomes part of the job if its scope wants it.
 * @param isInitial whether it was linked when the job began; later ones belong to standing jobs, or are waited for by name or number
 */
export function placeNode(state: PlanState, node: LinkedNode, isInitial: boolean): void {
  const { scope, nodes, nowMs, standing } = state
  const known = nodes.get(node.id)
  if (known !== undefined) {
    // It may be another run of its program: it is asked anew, and says at once what it has.
    nodes.set(node.id, { ...plannedNode(node, nowMs), done: known.done, tries: known.tries, reason: known.reason })
    return
  }
  switch (scope.kind) {
    case 'all':
      if (isInitial || standing) nodes.set(node.id, plannedNode(node, nowMs))
      return
    case 'labels':
      if ((isInitial || standing) && hasLabels(node, scope.labels)) nodes.set(node.id, plannedNode(node, nowMs))
      return
    case 'nodes':
      if (scope.nodes.some(wanted => isNamed(node, wanted))) nodes.set(node.id, plannedNode(node, nowMs))
      return
    case 'count':
    case 'percent':
      state.spare.set(node.id, node)
  }
}

/** A node is linked no more. What it was asked for it will not answer. */
export function nodeGone({ nodes, spare, nowMs }: PlanState, peer: string): void {
  spare.delete(peer)
  const node = nodes.get(peer)
  if (node === undefined) return
  node.state = 'away'
  node.awaySinceMs = nowMs
  node.asked.clear()
}

/** Does without nodes that have been away for too long, but for those that the job names. */
export function dropAway({ nodes, scope, nowMs, config }: PlanState): void {
  if (scope.kind === 'nodes') return
  for (const { id, state, awaySinceMs } of nodes.values()) {
    if (state === 'away' && nowMs - awaySinceMs >= config.awayMs) nodes.delete(id)
  }
}

/** Takes as many of the spare nodes as are missing, from as many zones as there are. */
export function fillFromSpare(state: PlanState): void {
  const { nodes, spare } = state
  if (spare.size === 0) return
  let missing = wantedNow(state) - [...nodes.values()].filter(node => node.state !== 'failed').length
  for (; missing > 0 && spare.size > 0; missing--) {
    const node = leastCrowded(state)
    if (node === undefined) return
    spare.delete(node.id)
    nodes.set(node.id, plannedNode(node, state.nowMs))
  }
}

/** How many nodes shall have it, where the scope is a number of them. */
export function wantedNow({ scope, standing, wantedNodes, nodes, spare }: PlanState): number {
  if (scope.kind !== 'percent' || !standing) return wantedNodes
  return Math.ceil(((nodes.size + spare.size) * scope.percent) / 100)
}

function leastCrowded({ nodes, spare }: PlanState): LinkedNode | undefined {
  const crowds = new Map<string, number>()
  for (const { labels } of nodes.values()) crowds.set(labels.zone ?? '', (crowds.get(labels.zone ?? '') ?? 0) + 1)
  let best: LinkedNode | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const node of spare.values()) {
    const crowd = crowds.get(node.labels.zone ?? '') ?? 0
    if (crowd < fewest) [best, fewest] = [node, crowd]
  }
  return best
}

function plannedNode({ id, name, labels, ips }: LinkedNode, nowMs: number): PlannedNode {
  return {
    id,
    name,
    labels,
    ips,
    state: 'waiting',
    done: new Set(),
    asked: new Set(),
    tries: new Map(),
    notBeforeMs: nowMs,
    awaySinceMs: 0,
    reason: undefined,
  }
}
