import type { Bitfield } from '../../protocol/bitfield.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { BlockHeap } from './block-heap.ts'
import { DEFAULT_SCHEDULER_CONFIG, type SchedulerConfig } from './config.ts'
import type { Labels, PeerId } from './event.ts'
import type { HolderCounts } from './holders.ts'
import { createRandom, type RandomState } from './random.ts'

/** All that the scheduler knows: plain data, owned by whoever got it from the latest `apply`. */
export interface SchedulerState {
  readonly config: SchedulerConfig
  readonly random: RandomState
  /** The latest time seen in an event. */
  nowMs: number
  readonly peers: Map<PeerId, Peer>
  readonly tasks: Map<TaskId, Task>
  /** Only peers with something against them; it outlives their connections. */
  readonly standings: Map<PeerId, Standing>
  /** What the newest answer to a grant took, in whichever task, and when it came. */
  newestAnswer: { readonly tookMs: number; readonly atMs: number } | undefined
}

/** A connected peer. */
export interface Peer {
  readonly id: PeerId
  readonly labels: Labels
  /** Where it stands on each ring, of every task. */
  readonly positions: readonly number[]
  readonly memberships: Map<TaskId, Member>
  /** Mirrors its standing, where the hot paths can see it. */
  isolated: boolean
}

/** What has been reported about a peer. */
export interface Standing {
  /** Distinct peers that reported corrupt blocks; no longer than `corruptLimit`. */
  corruptBy: PeerId[]
  /** Who has said that it stalled, and when last; no longer than `stallLimit`. */
  stalls: { readonly by: PeerId; readonly atMs: number }[]
  /** Reports of any kind since the last forgiveness; worsens its score. */
  strikes: number
  lastReportAtMs: number
  /** 0 when it is not isolated. */
  isolatedUntilMs: number
}

/** One content, and all who hold or want it. */
export interface Task {
  readonly id: TaskId
  /** Grants that one member may have open, in blocks. */
  readonly windowBlocks: number
  /** Grants that may be open over all members, in blocks; the islands share it. */
  readonly budgetBlocks: number
  /** How far the grants of an island may be ahead of its best member, in blocks. */
  readonly lookaheadBlocks: number
  /** Blocks 0 ≤ index < `readyBlocks` are in the supernode's store. */
  readyBlocks: number
  readonly members: Map<PeerId, Member>
  /** By the zone that each was made for, in the order in which they were made. None is empty. */
  readonly islands: Map<string, Island>
}

/**
 * The members of one zone: a swarm of its own, whose members are neighbours of each other only. A block enters it as a grant.
 */
export interface Island {
  readonly task: Task
  /** The zone that it was made for; empty for members without one. */
  readonly zone: string
  /** How many members it has, isolated ones included. */
  size: number
  /** On each ring, the members that are not isolated. */
  readonly rings: readonly Ring[]
  /** The members that may be granted blocks, as a heap: the one to grant to next comes first. */
  readonly queue: Member[]
  /** Members that may have too few neighbours: looked at on the next tick. */
  readonly lonely: Set<Member>
  /** Members that have lately asked for more than their neighbours have to give; who asked last comes last. */
  readonly hungry: Set<Member>
  /** When laggards were looked for last. */
  laggardsAtMs: number
  readonly holders: HolderCounts
  /** Blocks from here on have never been looked at for a grant. */
  cursor: number
  /** The most blocks that a member has held. */
  mostHeld: number
  /** Blocks before the cursor that became grantable again. Entries may be stale: checked when taken. */
  readonly returned: BlockHeap
  /** Every block's open grants. */
  readonly grants: Map<number, Grant[]>
  /** Open grants that are not overdue. */
  openGrants: number
  readonly deadlines: Deadlines
  /** Smoothed time from a grant to its answer; infinite before the first. */
  answerMs: number
  /** Grants that may be open as far as the pace of the answers goes: a number with fractions, at most the task's budget. */
  pace: number
}

/** Members in the order of their positions, and beside them the positions, so that a search reads one piece of memory. */
export interface Ring {
  readonly members: Member[]
  readonly positions: number[]
}

/** Grants in the order of their time, from `from` on; closed ones are passed over when they come up. */
export interface Deadlines {
  grants: Grant[]
  from: number
  /** The length at which the closed ones are thrown out. */
  compactAt: number
}

/** A peer in a swarm. */
export interface Member {
  readonly peer: Peer
  readonly island: Island
  wants: boolean
  /** It is granted blocks only while nobody else has room. */
  background: boolean
  readonly have: Bitfield
  /** Symmetric: each is in the other's list. */
  readonly neighbours: Member[]
  readonly grants: Grant[]
  /** Its grants that are not overdue. */
  openGrants: number
  /** Places in its window that it lost by not answering in time. */
  missed: number
  /** How many grants it has been given. */
  given: number
  /** It has lately been getting far less than most. */
  lags: boolean
  /** Breaks ties in the queue; drawn anew at every grant. */
  tie: number
  /** Its place in the island's queue; -1 where it is not in. */
  queueAt: number
  /** Peers not to be paired with again before the time given. Bounded. */
  avoid: Map<PeerId, number> | undefined
  /** When it last said that it is hungry, and since when it has been. */
  hungryAtMs: number
  hungrySinceMs: number
  readonly joinedAtMs: number
  /** When it last said that it got blocks, and at which rate it has been getting them; 0 while that is not known. */
  gainedAtMs: number
  blocksPerMs: number
  /** When it first asked in vain for a block that others hold. Bounded. */
  blockedSince: Map<number, number> | undefined
}

/** A block that a member was told to fetch from the supernode. */
export interface Grant {
  readonly block: number
  readonly member: Member
  /** When it was given, or last put off. */
  atMs: number
  state: 'open' | 'overdue' | 'closed'
}

/** The state of a scheduler that knows nobody. @param seed of every random choice */
export function createSchedulerState(seed: number, config: Partial<SchedulerConfig> = {}): SchedulerState {
  return {
    config: { ...DEFAULT_SCHEDULER_CONFIG, ...config },
    random: createRandom(seed),
    nowMs: 0,
    peers: new Map(),
    tasks: new Map(),
    standings: new Map(),
    newestAnswer: undefined,
  }
}
