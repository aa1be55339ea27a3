/** What an operator may tune about the scheduler. Every field has a default in {@link DEFAULT_SCHEDULER_CONFIG}. */
export interface SchedulerConfig {
  /** Bytes granted to one member and not answered yet; at least two blocks whatever the block size. */
  readonly grantWindowBytes: number
  /** Bytes granted in one task and not answered yet, over all members: what the supernode can upload within a grant's deadline. */
  readonly maxGrantedBytes: number
  /** A grant without an answer for this long goes to another member too. The floor of the deadline: see `grantDeadlineMs`. */
  readonly grantTimeoutMs: number
  /** A block that nobody holds is granted a second time, to a member that asks for it, only when its newest grant is this old. */
  readonly regrantAfterMs: number
  /** Neighbours that a newcomer gets, and to which a member is refilled. */
  readonly targetNeighbours: number
  /** No member has more neighbours than this. */
  readonly maxNeighbours: number
  /** A member with fewer is refilled on the next tick. */
  readonly minNeighbours: number
  /** Distinct peers that must report a peer as corrupt before it is isolated; one is enough in a swarm of two or three. */
  readonly corruptLimit: number
  /** How long an isolated peer gets no neighbours and no grants, and its holdings do not count. */
  readonly isolationMs: number
  /** After this long without a new report, a peer's reports are forgotten, and a pair that was parted may meet again. */
  readonly forgivenessMs: number
  /** Block indices from here on are ignored: a bound on what a peer's claim can make the scheduler allocate. */
  readonly maxBlocks: number
}

/** The defaults: 16 MiB and 2 s a grant, 4–8–16 neighbours, a minute of isolation, 2^20 blocks a task. */
export const DEFAULT_SCHEDULER_CONFIG: SchedulerConfig = {
  grantWindowBytes: 16 * 1024 * 1024,
  maxGrantedBytes: 256 * 1024 * 1024,
  grantTimeoutMs: 2_000,
  regrantAfterMs: 500,
  targetNeighbours: 8,
  maxNeighbours: 16,
  minNeighbours: 4,
  corruptLimit: 2,
  isolationMs: 60_000,
  forgivenessMs: 60_000,
  maxBlocks: 2 ** 20,
}
