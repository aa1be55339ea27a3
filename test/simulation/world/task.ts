import { Bitfield } from '../../../protocol/bitfield.ts'
import { blockCountOf } from '../../../protocol/block-map.ts'
import { digestOf } from '../../../protocol/digest.ts'
import { type TaskId, taskIdOfDigest } from '../../../protocol/task.ts'
import type { TaskSpec } from './spec.ts'

/** Who is told how much of a task the supernode has. */
export interface MapFollower {
  mapGrew(blockCount: number): void
}

/** A task as the whole simulated cluster sees it. */
export class SimulatedTask {
  readonly id: TaskId
  readonly spec: TaskSpec
  readonly blockCount: number
  /** Peers in the swarm. */
  readonly sessions = new Set<MapFollower>()
  /** How many peers hold each block. */
  readonly holders: Uint16Array
  /** Whether the supernode reads it from the origin, or has done so. */
  started = false
  /** Bytes and blocks that the supernode has. */
  readBytes = 0
  readyBlocks = 0

  constructor(index: number, spec: TaskSpec) {
    this.id = taskIdOfDigest(digestOf(new TextEncoder().encode(`task ${index}`)))
    this.spec = spec
    this.blockCount = blockCountOf(spec.sizeBytes, spec.blockBytes)
    this.holders = new Uint16Array(this.blockCount)
  }

  lengthOf(block: number): number {
    return Math.min(this.spec.blockBytes, this.spec.sizeBytes - block * this.spec.blockBytes)
  }

  emptyInventory(): Bitfield {
    return new Bitfield(this.blockCount)
  }
}
