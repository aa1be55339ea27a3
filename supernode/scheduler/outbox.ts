import type { SchedulerEffect } from './effect.ts'
import type { Member } from './state.ts'

/** Gathers the effects of one event, with the grants of one member put together. Most events have none, and allocate none. */
export interface Outbox {
  effects: SchedulerEffect[] | undefined
  grants: Map<Member, number[]> | undefined
}

const NOTHING: readonly SchedulerEffect[] = Object.freeze([])

/** An empty outbox. */
export function createOutbox(): Outbox {
  return { effects: undefined, grants: undefined }
}

/** Tells `member` to dial the others. */
export function sendConnect(outbox: Outbox, member: Member, to: readonly Member[]): void {
  if (to.length === 0) return
  const { peer, island } = member
  send(outbox, { type: 'connect', peer: peer.id, task: island.task.id, to: to.map(other => other.peer.id) })
}

/** Tells `member` to hang up on the other. */
export function sendDisconnect(outbox: Outbox, member: Member, from: Member): void {
  const { peer, island } = member
  send(outbox, { type: 'disconnect', peer: peer.id, task: island.task.id, from: [from.peer.id] })
}

/** Tells `member` to fetch a block from the supernode. */
export function sendGrant(outbox: Outbox, member: Member, block: number): void {
  outbox.grants ??= new Map()
  const blocks = outbox.grants.get(member)
  if (blocks === undefined) outbox.grants.set(member, [block])
  else blocks.push(block)
}

/** All effects: connections first, so that a member knows its neighbours before it starts to fetch. */
export function outboxEffects(outbox: Outbox): readonly SchedulerEffect[] {
  for (const [{ peer, island }, blocks] of outbox.grants ?? []) {
    blocks.sort((a, b) => a - b)
    send(outbox, { type: 'grant', peer: peer.id, task: island.task.id, blocks })
  }
  return outbox.effects ?? NOTHING
}

function send(outbox: Outbox, effect: SchedulerEffect): void {
  if (outbox.effects === undefined) outbox.effects = [effect]
  else outbox.effects.push(effect)
}
