import type { SchedulerEffect } from './effect.ts'
import type { Member, Task } from './state.ts'

/** Gathers the effects of one event, with the grants of one member put together. */
export interface Outbox {
  readonly effects: SchedulerEffect[]
  /** Per task and member, made when the first grant comes: most events have none. */
  grants: Map<Task, Map<Member, number[]>> | undefined
}

/** An empty outbox. */
export function createOutbox(): Outbox {
  return { effects: [], grants: undefined }
}

/** Tells `member` to dial the others. */
export function sendConnect(outbox: Outbox, task: Task, member: Member, to: readonly Member[]): void {
  if (to.length === 0) return
  outbox.effects.push({ type: 'connect', peer: member.peer.id, task: task.id, to: to.map(other => other.peer.id) })
}

/** Tells `member` to hang up on the other. */
export function sendDisconnect(outbox: Outbox, task: Task, member: Member, from: Member): void {
  outbox.effects.push({ type: 'disconnect', peer: member.peer.id, task: task.id, from: [from.peer.id] })
}

/** Tells `member` to fetch a block from the supernode. */
export function sendGrant(outbox: Outbox, task: Task, member: Member, block: number): void {
  outbox.grants ??= new Map()
  const ofTask = outbox.grants.get(task) ?? new Map<Member, number[]>()
  outbox.grants.set(task, ofTask)
  const blocks = ofTask.get(member)
  if (blocks === undefined) ofTask.set(member, [block])
  else blocks.push(block)
}

/** All effects: connections first, so that a member knows its neighbours before it starts to fetch. */
export function outboxEffects(outbox: Outbox): readonly SchedulerEffect[] {
  for (const [task, ofTask] of outbox.grants ?? []) {
    for (const [member, blocks] of ofTask) {
      blocks.sort((a, b) => a - b)
      outbox.effects.push({ type: 'grant', peer: member.peer.id, task: task.id, blocks })
    }
  }
  return outbox.effects
}
