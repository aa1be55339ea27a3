import type { Island, SchedulerState } from './state.ts'

/** Grants that an island may have open before the first answer. */
export const FIRST_OPEN_GRANTS = 16
/** And at least: with fewer a swarm of some nodes lacks blocks to exchange, and its links idle. */
const LEAST_OPEN_GRANTS = 8

/** Blocks whose answers take longer than this wait for each other in the uploads of the supernode. */
const SLOW_ANSWER_MS = 1_000

/** An answer that is older says nothing of what the supernode is busy with. */
const NEW_MS = 10_000

/**
 * How long answers to grants take, in milliseconds: in this island, or as long as it has had none, what the newest took in any, since all
 * blocks leave the same supernode; infinite while nothing is known.
 */
export function expectedAnswerMs({ newestAnswer, nowMs }: SchedulerState, { answerMs }: Island): number {
  if (answerMs !== Number.POSITIVE_INFINITY || newestAnswer === undefined) return answerMs
  return nowMs - newestAnswer.atMs < NEW_MS ? newestAnswer.tookMs : answerMs
}

/**
 * A grant was answered. As long as answers come soon, each makes room for one more, so that the room doubles in a round; as long as
 * they come late, each takes up to one away. What a narrow link has on its way stays at about a second's worth, or the least number,
 * instead of minutes in which every grant goes overdue and is given to a second member.
 */
export function notePace(state: SchedulerState, island: Island, tookMs: number): void {
  state.newestAnswer = { tookMs, atMs: state.nowMs }
  const { answerMs, pace } = island
  island.answerMs = answerMs === Number.POSITIVE_INFINITY ? tookMs : answerMs + (tookMs - answerMs) / 8
  const change = tookMs < SLOW_ANSWER_MS ? 1 : -Math.min(1, tookMs / SLOW_ANSWER_MS - 1)
  island.pace = Math.min(Math.max(LEAST_OPEN_GRANTS, pace + change), island.task.budgetBlocks)
}
