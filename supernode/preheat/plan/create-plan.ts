import type { LinkedNode, Scope } from '../scope.ts'
import type { PlanConfig, PlanState } from './state.ts'
import { placeNode } from './targets.ts'

/** What a plan begins with. */
export interface PlanInit {
  readonly config: PlanConfig
  readonly scope: Scope
  readonly standing: boolean
  readonly deadlineMs: number
  readonly now: number
  readonly contents: readonly { readonly isOptional: boolean }[]
  /** All linked nodes that fetch. */
  readonly linked: readonly LinkedNode[]
}

/** The plan of a job of which nothing has been done. The first event, a tick, begins it. */
export function createPlan({ config, scope, standing, deadlineMs, now, contents, linked }: PlanInit): PlanState {
  const plan: PlanState = {
    config,
    scope,
    standing,
    deadlineMs,
    nowMs: now,
    contents: contents.map(({ isOptional }) => ({
      isOptional,
      state: 'waiting',
      task: undefined,
      tries: 0,
      notBeforeMs: now,
      reason: undefined,
    })),
    nodes: new Map(),
    wantedNodes: wantedNodes(scope, linked.length),
    spare: new Map(),
    outcome: undefined,
  }
  for (const node of linked) placeNode(plan, node, true)
  return plan
}

function wantedNodes(scope: Scope, linked: number): number {
  switch (scope.kind) {
    case 'count':
      return scope.nodes
    case 'percent':
      return Math.ceil((linked * scope.percent) / 100)
    case 'nodes':
      return scope.nodes.length
    default:
      return 0
  }
}
