import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CheckedBlocks } from '../../../../lib/blocks/checked-blocks.ts'

test('bytes are recognised once they were found to be right, and no longer after that was taken back', () => {
  const checked = new CheckedBlocks()
  const bytes = Buffer.from('block')
  expect([checked.has(5), checked.matches(5, bytes)]).toEqual([false, undefined])
  checked.add(5, bytes)
  expect([checked.has(5), checked.matches(5, bytes), checked.matches(4, bytes)]).toEqual([true, true, undefined])
  checked.delete(5)
  expect([checked.has(5), checked.matches(5, bytes)]).toEqual([false, undefined])
})

test('a block that was found to be right without its bytes has to be hashed', () => {
  const checked = new CheckedBlocks()
  checked.add(0)
  expect([checked.has(0), checked.matches(0, Buffer.from('block'))]).toEqual([true, undefined])
})

test('a block with any bit turned is not recognised', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), fc.nat(20), (bytes, at, index) => {
      const checked = new CheckedBlocks()
      checked.add(index, bytes)
      const turned = Uint8Array.from(bytes)
      const bit = at % (bytes.length * 8)
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect([checked.matches(index, bytes), checked.matches(index, turned)]).toEqual([true, false])
    }),
  )
})
