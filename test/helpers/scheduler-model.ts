import { expect } from 'vitest'
import type { SchedulerEffect } from '../../supernode/scheduler/effect.ts'
import type { SchedulerEvent } from '../../supernode/scheduler/event.ts'
import { hasRoom } from '../../supernode/scheduler/grant-queue.ts'
import type { Island, Member, SchedulerState, Task } from '../../supernode/scheduler/state.ts'

interface GivenGrant {
  readonly island: Island
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
    const parted = new Set<string>()
    for (const effect of effects) this.#take(state, task, event, effect, parted)
    this.#forgetRefused(state, event)
    expect([...this.#edges].sort()).toEqual(edgesOf(task))
    checkIslands(state, task)
    for (const island of task.islands.values()) {
      checkMembers(state, island)
      checkRings(state, island)
      checkBooks(island)
      checkNothingForgotten(island)
    }
  }

  #forgetEnded(task: Task, event: SchedulerEvent): void {
    if (event.type === 'report' && event.kind === 'unreachable') this.#edges.delete(edge(event.from, event.about))
    for (const pair of this.#edges) {
      if (!pair.split(' ').every(peer => task.members.has(peer))) this.#edges.delete(pair)
    }
    this.#grants = this.#grants.filter(({ island, peer, block }) => {
      const member = task.members.get(peer)
      return member?.island === island && member.wants && !member.peer.isolated && !member.have.has(block)
    })
  }

  /** Who asks for a block that it was granted a while ago has said that it cannot fetch it. */
  #forgetRefused({ nowMs, config }: SchedulerState, event: SchedulerEvent): void {
    if (event.type !== 'blocked' && event.type !== 'hungry') return
    this.#grants = this.#grants.filter(
      ({ peer, block, atMs }) =>
        peer !== event.peer || !event.blocks.includes(block) || nowMs - atMs < config.regrantAfterMs,
    )
  }

  #take(state: SchedulerState, task: Task, event: SchedulerEvent, effect: SchedulerEffect, parted: Set<string>): void {
    const member = task.members.get(effect.peer)
    expect(member).toBeDefined()
    if (effect.type === 'connect') {
      expect(effect.to.length).toBeGreaterThan(0)
      for (const other of effect.to) {
        expect(this.#edges.has(edge(effect.peer, other))).toBe(false)
        this.#edges.add(edge(effect.peer, other))
      }
    } else if (effect.type === 'disconnect') {
      for (const other of effect.from) {
        const pair = edge(effect.peer, other)
        // Both may be told.
        expect(this.#edges.delete(pair) || parted.has(pair)).toBe(true)
        parted.add(pair)
      }
    } else if (member !== undefined) {
      expect([...effect.blocks].sort((a, b) => a - b)).toEqual(effect.blocks)
      for (const block of effect.blocks) this.#takeGrant(state, event, member, block)
    }
  }

  #takeGrant(state: SchedulerState, event: SchedulerEvent, member: Member, block: number): void {
    const { island, peer } = member
    expect(state.peers.get(peer.id)).toBe(peer)
    expect(member.wants).toBe(true)
    expect(member.have.has(block)).toBe(false)
    expect(block).toBeLessThan(island.task.readyBlocks)
    const asked = (event.type === 'blocked' || event.type === 'hungry') && event.blocks.includes(block)
    if (!asked) expect(holdersOf(island, block)).toBe(0)
    // Nobody wants to have to do with it: it gets what it asks for itself, and what others hold without waiting its turn.
    if (peer.isolated) expect(asked && event.peer === peer.id).toBe(true)
    if (peer.isolated && event.type === 'blocked') expect(holdersOf(island, block)).toBeGreaterThan(0)
    else this.#checkRation(state, island, block, asked)
    this.#grants.push({ island, peer: peer.id, block, atMs: state.nowMs })
  }

  /** Copies of one block from the supernode keep their distance in time. */
  #checkRation({ nowMs, config }: SchedulerState, island: Island, block: number, asked: boolean): void {
    const oldestAllowedMs = asked ? config.regrantAfterMs : config.grantTimeoutMs
    for (const grant of this.#grants) {
      if (grant.block !== block || grant.island !== island) continue
      expect(nowMs - grant.atMs).toBeGreaterThanOrEqual(oldestAllowedMs)
    }
  }
}

/** Members of one zone are in one island, and no island is empty. */
function checkIslands(state: SchedulerState, task: Task): void {
  const islands = [...task.islands.values()]
  expect(islands.length).toBeLessThanOrEqual(state.config.maxIslands)
  expect(islands.reduce((sum, { size }) => sum + size, 0)).toBe(task.members.size)
  for (const island of islands) {
    expect(island.size).toBe(membersOf(island).length)
    expect(island.size).toBeGreaterThan(0)
    expect(task.islands.get(island.zone)).toBe(island)
  }
}

function checkMembers(state: SchedulerState, island: Island): void {
  for (const member of membersOf(island)) {
    const { neighbours, peer } = member
    expect(peer.memberships.get(island.task.id)).toBe(member)
    expect(new Set(neighbours).size).toBe(neighbours.length)
    expect(neighbours).not.toContain(member)
    expect(neighbours.length).toBeLessThanOrEqual(state.config.maxNeighbours)
    expect(neighbours.every(other => other.neighbours.includes(member) && other.island === island)).toBe(true)
    expect(neighbours.every(other => island.task.members.get(other.peer.id) === other)).toBe(true)
    if (peer.isolated) expect(neighbours).toEqual([])
    expect(island.queue[member.queueAt] === member).toBe(member.wants && !peer.isolated)
    expect(member.openGrants).toBe(member.grants.filter(grant => grant.state === 'open').length)
  }
}

/** Every ring is a cycle over all members that are not isolated, in the order of their positions. */
function checkRings(state: SchedulerState, island: Island): void {
  const expected = membersOf(island).filter(({ peer }) => !peer.isolated)
  expect(island.rings.length).toBe(state.config.rings)
  island.rings.forEach(({ members, positions }, index) => {
    expect(new Set(members)).toEqual(new Set(expected))
    expect(members.length).toBe(expected.length)
    expect(positions).toEqual(members.map(({ peer }) => peer.positions[index]))
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
  })
}

/** What is kept for speed agrees with what it was made from. */
function checkBooks(island: Island): void {
  const members = membersOf(island)
  expect(island.openGrants).toBe(members.reduce((sum, member) => sum + member.openGrants, 0))
  for (let block = 0; block < island.task.readyBlocks + 8; block++) {
    expect(island.holders.counts[block] ?? 0).toBe(holdersOf(island, block))
  }
  expect(island.queue.length).toBe(members.filter(member => member.wants && !member.peer.isolated).length)
  island.queue.forEach((member, at) => {
    expect(member.queueAt).toBe(at)
    const parent = island.queue[(at - 1) >> 1]
    if (parent !== undefined && hasRoom(member)) expect(hasRoom(parent)).toBe(true)
  })
}

/** No block is left lying while a member could take it, and each block that was looked at will come up again. */
function checkNothingForgotten(island: Island): void {
  const { queue, deadlines, task } = island
  // The pace may be a fraction, and a grant is whole.
  const pace = Math.floor(island.pace)
  const share = Math.min(pace, Math.max(task.windowBlocks, Math.floor(task.budgetBlocks / task.islands.size)))
  const isShort = queue.some(hasRoom) && island.openGrants < share
  const pending = new Set(deadlines.grants.slice(deadlines.from).filter(grant => grant.state !== 'closed'))
  for (let block = 0; block < task.readyBlocks; block++) {
    if (holdersOf(island, block) > 0) continue
    const grants = island.grants.get(block) ?? []
    if (isShort) expect(grants.length).toBeGreaterThan(0)
    if (grants.length > 0) expect(grants.some(grant => pending.has(grant))).toBe(true)
    else expect(block >= island.cursor || island.returned.members.has(block)).toBe(true)
  }
}

function membersOf(island: Island): Member[] {
  return [...island.task.members.values()].filter(member => member.island === island)
}

function holdersOf(island: Island, block: number): number {
  return membersOf(island).filter(member => !member.peer.isolated && member.have.has(block)).length
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
