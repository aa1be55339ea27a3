import type { TaskId } from '../../protocol/task.ts'
import { applyPlan } from '../../supernode/preheat/plan/apply.ts'
import { createPlan } from '../../supernode/preheat/plan/create-plan.ts'
import type { PlanConfig, PlanEffect, PlanEvent, PlanOutcome, PlanState } from '../../supernode/preheat/plan/state.ts'
import { type LinkedNode, parseScope } from '../../supernode/preheat/scope.ts'

/** Small numbers, so that a test comes to every bound. */
export const PLAN_CONFIG: PlanConfig = {
  contentsAtOnce: 2,
  nodesAtOnce: 3,
  triesOfNode: 3,
  firstPauseMs: 1_000,
  longestPauseMs: 8_000,
  awayMs: 5_000,
}

/** A linked node. */
export function linkedNode(name: string, labels: LinkedNode['labels'] = {}): LinkedNode {
  return { id: `node${name}`, name, labels, ips: [`10.0.0.${name.charCodeAt(0)}`] }
}

/** The task of a content, by its place in the list. */
export function planTask(content: number): TaskId {
  return `sha256:${content.toString(16).padStart(64, '0')}` as TaskId
}

type Untimed<E> = E extends { readonly now: number } ? Omit<E, 'now'> : never

/** One job's plan, with shorthands for what tests do to it. */
export class PlanFixture {
  state: PlanState
  nowMs = 1_000
  readonly outcomes: PlanOutcome[] = []

  constructor({
    scope = 'all',
    nodes = ['a', 'b'],
    contents = [{ isOptional: false }, { isOptional: false }],
    standing = false,
    deadlineMs = 60_000,
    config = {},
  }: {
    scope?: string
    nodes?: readonly (string | LinkedNode)[]
    contents?: readonly { readonly isOptional: boolean }[]
    standing?: boolean
    deadlineMs?: number
    config?: Partial<PlanConfig>
  } = {}) {
    this.state = createPlan({
      config: { ...PLAN_CONFIG, ...config },
      scope: parseScope(scope),
      standing,
      deadlineMs,
      now: this.nowMs,
      contents,
      linked: nodes.map(node => (typeof node === 'string' ? linkedNode(node) : node)),
    })
  }

  apply(event: Untimed<PlanEvent>): readonly PlanEffect[] {
    const { state, effects } = applyPlan(this.state, { ...event, now: this.nowMs } as PlanEvent)
    this.state = state
    for (const effect of effects) if (effect.type === 'outcome') this.outcomes.push(effect.outcome)
    return effects
  }

  tick(afterMs = 0): string[] {
    this.nowMs += afterMs
    return said(this.apply({ type: 'tick' }))
  }

  opened(content: number): string[] {
    return said(this.apply({ type: 'opened', content, task: planTask(content) }))
  }

  read(content: number): string[] {
    return said(this.apply({ type: 'read', content }))
  }

  fetched(node: string, content: number): string[] {
    return said(this.apply({ type: 'fetched', peer: `node${node}`, task: planTask(content) }))
  }

  notFetched(node: string, content: number, code = 'BLOCK_LATE'): string[] {
    const reason = { code, message: 'it did not come' }
    return said(this.apply({ type: 'not-fetched', peer: `node${node}`, task: planTask(content), reason }))
  }

  readFailed(content: number, code: string, retryable: boolean): string[] {
    return said(this.apply({ type: 'read-failed', content, reason: { code, message: `it said ${code}` }, retryable }))
  }

  /** The supernode reads all contents, and each node that is asked fetches what it is asked for. */
  finish(): void {
    let effects = this.apply({ type: 'tick' })
    for (let round = 0; effects.length > 0 && round < 1_000; round++) {
      effects = effects.flatMap(effect => {
        if (effect.type === 'read') {
          const { content } = effect
          return [
            ...this.apply({ type: 'opened', content, task: planTask(content) }),
            ...this.apply({ type: 'read', content }),
          ]
        }
        if (effect.type !== 'fetch') return []
        return [...this.apply({ type: 'fetched', peer: effect.peer, task: planTask(effect.content) })]
      })
    }
  }

  get outcome(): PlanOutcome | undefined {
    return this.state.outcome
  }
}

/** Effects as `read 0`, `fetch a 1`, `stop a 1`, `succeeded`. */
export function said(effects: readonly PlanEffect[]): string[] {
  return effects.map(effect => {
    if (effect.type === 'outcome') return effect.outcome.state
    if (effect.type === 'read') return `read ${effect.content}`
    return `${effect.type} ${effect.peer.replace('node', '')} ${effect.content}`
  })
}
