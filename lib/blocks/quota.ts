import type { TaskId } from '../../protocol/task.ts'

/** How much a store may take, and from when on it makes room. */
export interface Quota {
  /** Most bytes that blocks may take; infinite where only the disk limits them. */
  readonly maxBytes: number
  /** Part of the file system, 0 to 1, that is left to others. */
  readonly keepFree: number
  /** Part of what the store may take, 0 to 1, above which it makes room. */
  readonly highWatermark: number
  /** Part of what the store may take, 0 to 1, down to which it does. */
  readonly lowWatermark: number
}

/** Takes whatever it is given. */
export const UNLIMITED: Quota = {
  maxBytes: Number.POSITIVE_INFINITY,
  keepFree: 0,
  highWatermark: 1,
  lowWatermark: 1,
}

/** A file system, in bytes. */
export interface DiskSpace {
  readonly totalBytes: number
  readonly freeBytes: number
}

/** What a store holds, and what it may hold, in bytes. */
export interface Filling {
  /** Of blocks that are stored, and of those that tasks in use still lack: room for these is promised. */
  readonly claimedBytes: number
  readonly capacityBytes: number
}

/** A task that nobody uses. */
export interface IdleTask {
  readonly taskId: TaskId
  readonly storedBytes: number
  readonly usedAt: number
}

/** Bytes that a store may hold, when its blocks take `usedBytes` of the disk. */
export function capacityOf({ maxBytes, keepFree }: Quota, usedBytes: number, disk: DiskSpace): number {
  const roomBytes = Math.max(0, disk.freeBytes - keepFree * disk.totalBytes)
  return Math.min(maxBytes, usedBytes + roomBytes)
}

/**
 * How many bytes should be deleted before so many more are claimed: none below the high watermark, else as many as bring the
 * store down to the low one.
 */
export function excessBytes(quota: Quota, { claimedBytes, capacityBytes }: Filling, moreBytes: number): number {
  const wantedBytes = claimedBytes + moreBytes
  if (wantedBytes <= quota.highWatermark * capacityBytes) return 0
  return wantedBytes - quota.lowWatermark * capacityBytes
}

/** The tasks to delete for so many bytes: those that were not used for longest, and all of them where that is not enough. */
export function leastRecentlyUsed(idle: readonly IdleTask[], bytes: number): TaskId[] {
  const chosen: TaskId[] = []
  let freedBytes = 0
  for (const { taskId, storedBytes } of idle.toSorted((a, b) => a.usedAt - b.usedAt)) {
    if (freedBytes >= bytes) break
    chosen.push(taskId)
    freedBytes += storedBytes
  }
  return chosen
}
