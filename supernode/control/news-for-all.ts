import {
  EXPULSIONS_PER_MESSAGE,
  FORBIDDEN_TASKS_PER_MESSAGE,
  type SupernodeToPeer,
} from '../../protocol/messages/control.ts'
import type { Expulsion } from '../../protocol/messages/fields.ts'
import type { TaskId } from '../../protocol/task.ts'

/** Messages that say who is expelled. */
export function* expelledMessages(peers: readonly Expulsion[]): Generator<SupernodeToPeer> {
  for (let from = 0; from < peers.length; from += EXPULSIONS_PER_MESSAGE)
    yield { type: 'expelled', peers: peers.slice(from, from + EXPULSIONS_PER_MESSAGE) }
}

/** Messages that say what is blocked, or is no longer. */
export function* forbiddenMessages(type: 'forbid' | 'allow', tasks: readonly TaskId[]): Generator<SupernodeToPeer> {
  for (let from = 0; from < tasks.length; from += FORBIDDEN_TASKS_PER_MESSAGE)
    yield { type, tasks: tasks.slice(from, from + FORBIDDEN_TASKS_PER_MESSAGE) }
}
