/** What an operator may tune about the scheduler. Every field has a default in {@link DEFAULT_SCHEDULER_CONFIG}. */
export interface SchedulerConfig {
  /** Bytes granted to one member and not answered yet; at least two blocks whatever the block size. */
  readonly grantWindowBytes: number
  /**
   * Bytes granted in one task and not answered yet, over all members: enough that the supernode always has something to upload,
   * few enough that a block is not granted long before its turn comes.
   */
  readonly maxGrantedBytes: number
  /** As `maxGrantedBytes`, in blocks; the larger of the two counts. */
  readonly minGrantedBlocks: number
  /** A grant without an answer for this long goes to another member too. The floor of the deadline: see `grantDeadlineMs`. */
  readonly grantTimeoutMs: number
  /** A block is granted a second time, to a member that asks for it, only when its newest grant is this old. */
  readonly regrantAfterMs: number
  /**
   * A member that asks for a block that others in its island hold waits this long for it to come over the mesh, before it gets
   * an extra neighbour or, where no holder is found, the block from the supernode.
   */
  readonly patienceMs: number
  /** A member that asks for a block that a neighbour says it holds waits this long before it comes from the supernode. */
  readonly holderPatienceMs: number
  /** A member that has been hungry for this long gets what the supernode has to spare. */
  readonly spareAfterMs: number
  /** How far ahead of the member that holds most blocks are granted, in bytes. */
  readonly lookaheadBytes: number
  /** Rings that the members of an island form. On each a member has two neighbours. */
  readonly rings: number
  /** No member has more neighbours than this, extra ones included; at least two for each ring. */
  readonly maxNeighbours: number
  /** A neighbour that only stalls is kept by a member that has no more neighbours than this. */
  readonly minNeighbours: number
  /** Zones of a task that are islands of their own. Members of further zones share the newest island. */
  readonly maxIslands: number
  /** Distinct peers that must report a peer as corrupt before it is isolated; one is enough in a swarm of two or three. */
  readonly corruptLimit: number
  /** How long an isolated peer gets no neighbours and is the first to get no block, and its holdings do not count. */
  readonly isolationMs: number
  /** Distinct peers that must report within `stallMemoryMs` that a peer has stalled before it is isolated. */
  readonly stallLimit: number
  /** So long a stall counts, and what a peer says that it holds is no reason for who reported it to wait. */
  readonly stallMemoryMs: number
  /** As `isolationMs` after stalls: an honest peer may have been held up. */
  readonly stallIsolationMs: number
  /** After this long without a new report, a peer's reports are forgotten, and a pair that was parted may meet again. */
  readonly forgivenessMs: number
  /** Block indices from here on are ignored: a bound on what a peer's claim can make the scheduler allocate. */
  readonly maxBlocks: number
}

/** The defaults: 4 MiB and 2 s a grant, three rings, four islands, a minute of isolation for lies, 2^20 blocks a task. */
export const DEFAULT_SCHEDULER_CONFIG: SchedulerConfig = {
  grantWindowBytes: 4 * 1024 * 1024,
  maxGrantedBytes: 32 * 1024 * 1024,
  minGrantedBlocks: 16,
  grantTimeoutMs: 2_000,
  regrantAfterMs: 500,
  patienceMs: 300,
  holderPatienceMs: 600,
  spareAfterMs: 1_000,
  lookaheadBytes: 128 * 1024 * 1024,
  rings: 3,
  maxNeighbours: 16,
  minNeighbours: 4,
  maxIslands: 4,
  corruptLimit: 2,
  isolationMs: 60_000,
  stallLimit: 3,
  stallMemoryMs: 10_000,
  stallIsolationMs: 20_000,
  forgivenessMs: 60_000,
  maxBlocks: 2 ** 20,
}
