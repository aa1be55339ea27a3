import { expect, test } from 'vitest'
import { copyInto } from '../../../protocol/copy-into.ts'

test.each([
  ['of its own', new ArrayBuffer(16)],
  ['that threads share', new SharedArrayBuffer(16)],
])('copies bytes, wherever they lie, to a place in memory %s', (_name, memory) => {
  const source = Uint8Array.from({ length: 8 }, (_, at) => at + 1)
  const target = new Uint8Array(memory, 1, 12)
  copyInto(target, 3, source.subarray(1, 6))
  copyInto(target, 5, source.subarray(4, 4))
  expect([...target]).toEqual([0, 0, 0, 2, 3, 4, 5, 6, 0, 0, 0, 0])
  expect(() => copyInto(target, 8, source)).toThrow()
})
