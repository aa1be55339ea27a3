/** How many members hold each block. The supernode itself and isolated peers are not counted. */
export interface HolderCounts {
  /** Indexed by block; grown as needed, so a missing entry is a zero. */
  counts: Uint32Array
}

/** Counts for a task of which no block is held. */
export function createHolders(): HolderCounts {
  return { counts: new Uint32Array(64) }
}

/** How many members hold the block. */
export function holderCount(holders: HolderCounts, block: number): number {
  return holders.counts[block] ?? 0
}

/** One more member holds the block. */
export function addHolder(holders: HolderCounts, block: number): void {
  if (block >= holders.counts.length) {
    const grown = new Uint32Array(Math.max(block + 1, holders.counts.length * 2))
    grown.set(holders.counts)
    holders.counts = grown
  }
  holders.counts[block] = holderCount(holders, block) + 1
}

/** One member fewer holds the block. @returns how many still do */
export function removeHolder(holders: HolderCounts, block: number): number {
  const left = Math.max(0, holderCount(holders, block) - 1)
  if (block < holders.counts.length) holders.counts[block] = left
  return left
}
