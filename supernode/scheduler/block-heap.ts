/** A set of block indices that gives the smallest first: the blocks that became grantable again. */
export interface BlockHeap {
  readonly items: number[]
  readonly members: Set<number>
}

/** An empty heap. */
export function createBlockHeap(): BlockHeap {
  return { items: [], members: new Set() }
}

/** Adds a block, once. O(log n). */
export function pushBlock(heap: BlockHeap, block: number): void {
  if (heap.members.has(block)) return
  heap.members.add(block)
  const { items } = heap
  let at = items.length
  items.push(block)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = items[parent] ?? 0
    if (above <= block) break
    items[at] = above
    at = parent
  }
  items[at] = block
}

/** The smallest block, left where it is. */
export function peekBlock(heap: BlockHeap): number | undefined {
  return heap.items[0]
}

/** Takes the smallest block. O(log n). */
export function popBlock(heap: BlockHeap): number | undefined {
  const { items } = heap
  const top = items[0]
  const last = items.pop()
  if (top === undefined || last === undefined) return undefined
  heap.members.delete(top)
  if (items.length === 0) return top
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= items.length) break
    if ((items[child + 1] ?? Number.POSITIVE_INFINITY) < (items[child] ?? 0)) child++
    const below = items[child] ?? 0
    if (below >= last) break
    items[at] = below
    at = child
  }
  items[at] = last
  return top
}
