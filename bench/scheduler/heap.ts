import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Memory that is in use after garbage was collected, in bytes. */
export interface HeapUse {
  /** Objects, without the bytes of large typed arrays. */
  readonly objects: number
  /** The bytes of large typed arrays, which bitfields are. */
  readonly arrays: number
}

/** Collects garbage and looks at what is left. */
export function measureHeap(): HeapUse {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return { objects: heapUsed, arrays: arrayBuffers }
}
