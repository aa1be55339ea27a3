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
}

/** A connected peer. */
export interface Peer {
  readonly id: PeerId
  readonly labels: Labels
  readonly memberships: Map<TaskId, Member>
  /** Mirrors its standing, where the hot paths can see it. */
  isolated: boolean
}

/** What has been reported about a peer. */
export interface Standing {
  /** Distinct peers that reported corrupt blocks; no longer than `corruptLimit`. */
  corruptBy: PeerId[]
  /** Reports of any kind since the last forgiveness; worsens its score. */
  strikes: number
  lastReportAtMs: number
  /** 0 when it is not isolated. */
  isolatedUntilMs: number
}

/** One swarm. */
export interface Task {
  readonly id: TaskId
  /** Grants that one member may have open, in blocks. */
  readonly windowBlocks: number
  /** Grants that may be open over all members, in blocks. */
  readonly budgetBlocks: number
  /** Blocks 0 ≤ index < `readyBlocks` are in the supernode's store. */
  readyBlocks: number
  /** Blocks from here on have never been looked at for a grant. */
  cursor: number
  /** Blocks before the cursor that became grantable again. Entries may be stale: checked when taken. */
  readonly returned: BlockHeap
  readonly members: Map<PeerId, Member>
  /** The members again, for drawing at random. */
  readonly roster: Member[]
  /** The members of each zone, for drawing at random. */
  readonly zones: Map<string, Member[]>
  /** The members that may be granted blocks, as a heap: the one to grant to next comes first. */
  readonly queue: Member[]
  /** Members to be refilled on the next tick. */
  readonly lonely: Set<Member>
  readonly holders: HolderCounts
  /** Every block's open grants. */
  readonly grants: Map<number, Grant[]>
  /** Open grants that are not overdue. */
  openGrants: number
  /** Grants in the order of their time, from `deadlinesFrom` on; closed ones are passed over when they come up. */
  deadlines: Grant[]
  deadlinesFrom: number
  /** Smoothed time from a grant to its answer. */
  answerMs: number
  /** Pairs of neighbours. */
  edges: number
}

/** A peer in a swarm. */
export interface Member {
  readonly peer: Peer
  wants: boolean
  readonly have: Bitfield
  /** Symmetric: each is in the other's list. */
  readonly neighbours: Member[]
  readonly grants: Grant[]
  /** Its grants that are not overdue. */
  openGrants: number
  /** Places in its window that it lost by not answering in time. */
  missed: number
  /** Breaks ties in the queue; drawn anew at every grant. */
  tie: number
  /** Its place in the task's queue, roster and zone; -1 where it is in none. */
  queueAt: number
  rosterAt: number
  zoneAt: number
  /** Peers not to be paired with again before the time given. Bounded. */
  avoid: Map<PeerId, number> | undefined
  /** When it first asked in vain for a block that a neighbour holds. Bounded. */
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
  }
}
