import { askNodes, markDone, settleNodes } from './nodes.ts'
import { judge } from './outcome.ts'
import type { PlanEffect, PlanEvent, PlannedContent, PlanState, Reason } from './state.ts'
import { dropAway, fillFromSpare, nodeGone, placeNode } from './targets.ts'

/** What an event led to. */
export interface AppliedPlan {
  readonly state: PlanState
  readonly effects: readonly PlanEffect[]
}

/**
 * Carries a job out: takes one event into the state, which is handed over, and says what shall be done. No I/O, no clock, no randomness. After
 * an outcome that is final nothing happens any more.
 */
export function applyPlan(state: PlanState, event: PlanEvent): AppliedPlan {
  state.nowMs = Math.max(state.nowMs, event.now)
  const effects: PlanEffect[] = []
  if (isOver(state)) return { state, effects }
  take(state, event, effects)
  dropAway(state)
  fillFromSpare(state)
  settleNodes(state)
  const outcome = judge(state, event.type === 'cancelled')
  const isNews = outcome?.state !== state.outcome?.state
  state.outcome = outcome
  if (isOver(state)) effects.push(...stopAll(state))
  if (isNews && outcome !== undefined) effects.push({ type: 'outcome', outcome })
  if (isOver(state)) return { state, effects }
  readContents(state, effects)
  askNodes(state, effects, event.type === 'opened')
  return { state, effects }
}

/** Whether a job has come to its end. */
export function isOver({ outcome }: PlanState): boolean {
  return outcome !== undefined && outcome.state !== 'standing'
}

function take(state: PlanState, event: PlanEvent, effects: PlanEffect[]): void {
  switch (event.type) {
    case 'opened': {
      const content = state.contents[event.content]
      if (content === undefined || content.state !== 'reading') return
      content.state = 'open'
      content.task = event.task
      return
    }
    case 'read': {
      const content = state.contents[event.content]
      if (content === undefined) return
      content.state = 'done'
      content.reason = undefined
      return
    }
    case 'read-failed':
      readFailed(state, event, effects)
      return
    case 'linked':
      placeNode(state, event.node, false)
      return
    case 'gone':
      nodeGone(state, event.peer)
      return
    case 'fetched':
      markDone(state, event.peer, event.task)
      return
    case 'not-fetched':
      notFetched(state, event, effects)
      return
    case 'cancelled':
    case 'tick':
  }
}

function readFailed(
  state: PlanState,
  { content: index, reason, retryable }: Extract<PlanEvent, { type: 'read-failed' }>,
  effects: PlanEffect[],
): void {
  const content = state.contents[index]
  if (content === undefined || content.state === 'done') return
  // Whoever fetches it will fail with it, which is not his fault: he is asked again when there is something to fetch.
  for (const { id, asked } of state.nodes.values()) {
    if (asked.delete(index)) effects.push({ type: 'stop', peer: id, content: index })
  }
  content.reason = reason
  if (content.isOptional && reason.code === 'BLOB_UNKNOWN') content.state = 'skipped'
  else if (retryable) putOff(state, content)
  else content.state = 'failed'
}

function putOff(state: PlanState, content: PlannedContent): void {
  content.state = 'waiting'
  content.notBeforeMs = state.nowMs + pauseMs(state, content.tries)
  content.tries++
}

function notFetched(
  state: PlanState,
  { peer, task, reason }: Extract<PlanEvent, { type: 'not-fetched' }>,
  effects: PlanEffect[],
): void {
  const node = state.nodes.get(peer)
  const index = state.contents.findIndex(content => content.task === task)
  if (node === undefined || !node.asked.delete(index)) return
  node.reason = reason
  const tries = (node.tries.get(index) ?? 0) + 1
  node.tries.set(index, tries)
  if (tries < state.config.triesOfNode && isWorthATry(reason)) {
    node.state = 'waiting'
    node.notBeforeMs = Math.max(node.notBeforeMs, state.nowMs + pauseMs(state, tries - 1))
    return
  }
  node.state = 'failed'
  for (const content of node.asked) effects.push({ type: 'stop', peer, content })
  node.asked.clear()
}

/** What an operator has forbidden stays so. */
function isWorthATry({ code }: Reason): boolean {
  return code !== 'TASK_BLOCKED'
}

function pauseMs({ config }: PlanState, tries: number): number {
  return Math.min(config.longestPauseMs, config.firstPauseMs * 2 ** Math.min(tries, 30))
}

function readContents({ contents, nowMs, config }: PlanState, effects: PlanEffect[]): void {
  let underWay = contents.filter(({ state }) => state === 'reading' || state === 'open').length
  for (const [index, content] of contents.entries()) {
    if (underWay >= config.contentsAtOnce) return
    if (content.state !== 'waiting' || content.notBeforeMs > nowMs) continue
    content.state = 'reading'
    underWay++
    effects.push({ type: 'read', content: index })
  }
}

function stopAll({ nodes }: PlanState): PlanEffect[] {
  return [...nodes.values()].flatMap(({ id, asked }) => {
    const stops = [...asked].map(content => ({ type: 'stop', peer: id, content }) as const)
    asked.clear()
    return stops
  })
}
