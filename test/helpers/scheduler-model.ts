import { expect } from 'vitest'
import type { SchedulerEffect } from '../../supernode/scheduler/effect.ts'
import type { SchedulerEvent } from '../../supernode/scheduler/event.ts'
import { grantLoad } from '../../supernode/scheduler/grant-queue.ts'
import type { Member, SchedulerState, Task } from '../../supernode/scheduler/state.ts'

interface GivenGrant {
  readonly peer: string
  readonly block: number
  readonly atMs: number
}

/**
 * What the outside can know about a one-task scheduler from its events and effects alone, and the rules that must hold between
 * that and the scheduler's own state. Throws an assertion error where one does not.
 */
export class SchedulerModel {
  #grants: GivenGrant[] = []
  readonly #edges = new Set<string>()

  /** Takes one event and its effects, after the scheduler did. */
  check(state: SchedulerState, task: Task, event: SchedulerEvent, effects: readonly SchedulerEffect[]): void {
    this.#forgetEnded(task, event)
    for (const effect of effects) this.#take(state, task, event, effect)
    expect([...this.#edges].sort()).toEqual(edgesOf(task))
    checkMembers(state, task)
    checkBooks(task)
    checkNothingForgotten(task)
  }

  #forgetEnded(task: Task, event: SchedulerEvent): void {
    if (event.type === 'report' && event.kind === 'unreachable') this.#edges.delete(edge(event.from, event.about))
    for (const pair of this.#edges) {
      if (!pair.split(' ').every(peer => task.members.has(peer))) this.#edges.delete(pair)
    }
    this.#grants = this.#grants.filter(({ peer, block }) => {
      const member = task.members.get(peer)
      return member?.wants === true && !member.peer.isolated && !member.have.has(block)
    })
  }

  #take(state: SchedulerState, task: Task, event: SchedulerEvent, effect: SchedulerEffect): void {
    const member = task.members.get(effect.peer)
    expect(member).toBeDefined()
    if (effect.type === 'connect') {
      expect(effect.to.length).toBeGreaterThan(0)
      for (const other of effect.to) {
        expect(this.#edges.has(edge(effect.peer, other))).toBe(false)
        this.#edges.add(edge(effect.peer, other))
      }
    } else if (effect.type === 'disconnect') {
      for (const other of effect.from) expect(this.#edges.delete(edge(effect.peer, other))).toBe(true)
    } else if (member !== undefined) {
      expect([...effect.blocks].sort((a, b) => a - b)).toEqual(effect.blocks)
      for (const block of effect.blocks) this.#takeGrant(state, task, event, member, block)
    }
  }

  #takeGrant(state: SchedulerState, task: Task, event: SchedulerEvent, member: Member, block: number): void {
    expect(state.peers.get(member.peer.id)).toBe(member.peer)
    expect(member).toMatchObject({ wants: true, peer: { isolated: false } })
    expect(member.have.has(block)).toBe(false)
    expect(block).toBeLessThan(task.readyBlocks)
    const asked = event.type === 'blocked' && event.blocks.includes(block)
    if (!asked || event.peer !== member.peer.id) expect(holdersOf(task, block)).toBe(0)
    const oldestAllowedMs = asked ? state.config.regrantAfterMs : state.config.grantTimeoutMs
    for (const grant of this.#grants) {
      if (grant.block === block) expect(state.nowMs - grant.atMs).toBeGreaterThanOrEqual(oldestAllowedMs)
    }
    this.#grants.push({ peer: member.peer.id, block, atMs: state.nowMs })
  }
}

function checkMembers(state: SchedulerState, task: Task): void {
  for (const member of task.members.values()) {
    const { neighbours } = member
    expect(new Set(neighbours).size).toBe(neighbours.length)
    expect(neighbours).not.toContain(member)
    expect(neighbours.length).toBeLessThanOrEqual(state.config.maxNeighbours)
    expect(neighbours.every(other => other.neighbours.includes(member) && task.members.has(other.peer.id))).toBe(true)
    if (member.peer.isolated) expect(neighbours).toEqual([])
    expect(task.queue[member.queueAt] === member).toBe(member.wants && !member.peer.isolated)
    expect(task.roster[member.rosterAt]).toBe(member)
    expect(member.openGrants).toBe(member.grants.filter(grant => grant.state === 'open').length)
  }
}

/** What is kept for speed agrees with what it was made from. */
function checkBooks(task: Task): void {
  const members = [...task.members.values()]
  expect(task.roster.length).toBe(members.length)
  expect(task.edges).toBe(members.reduce((sum, member) => sum + member.neighbours.length, 0) / 2)
  expect(task.openGrants).toBe(members.reduce((sum, member) => sum + member.openGrants, 0))
  for (let block = 0; block < task.readyBlocks + 8; block++) {
    expect(task.holders.counts[block] ?? 0).toBe(holdersOf(task, block))
  }
  task.queue.forEach((member, at) => {
    const parent = task.queue[(at - 1) >> 1]
    if (parent !== undefined) expect(grantLoad(parent)).toBeLessThanOrEqual(grantLoad(member))
  })
}

/** No block is left lying while a member could take it, and each block that was looked at will come up again. */
function checkNothingForgotten(task: Task): void {
  const first = task.queue[0]
  const hasRoom = first !== undefined && grantLoad(first) < task.windowBlocks && task.openGrants < task.budgetBlocks
  const pending = new Set(task.deadlines.slice(task.deadlinesFrom).filter(grant => grant.state !== 'closed'))
  for (let block = 0; block < task.readyBlocks; block++) {
    if (holdersOf(task, block) > 0) continue
    const grants = task.grants.get(block) ?? []
    if (hasRoom) expect(grants.length).toBeGreaterThan(0)
    if (grants.length > 0) expect(grants.some(grant => pending.has(grant))).toBe(true)
    else expect(block >= task.cursor || task.returned.members.has(block)).toBe(true)
  }
}

function holdersOf(task: Task, block: number): number {
  return [...task.members.values()].filter(member => !member.peer.isolated && member.have.has(block)).length
}

function edgesOf(task: Task): string[] {
  const pairs = [...task.members.values()].flatMap(member =>
    member.neighbours.map(other => edge(member.peer.id, other.peer.id)),
  )
  return [...new Set(pairs)].sort()
}

function edge(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
