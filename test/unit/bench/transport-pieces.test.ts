import { expect, test } from 'vitest'
import { createByteCount } from '../../../bench/transport/ways/byte-count.ts'
import { askedFor, requestFor } from '../../../bench/transport/ways/pieces.ts'

const MIB = 1024 * 1024

test('a request means the same however it is taken apart on its way', () => {
  const request = requestFor(64 * MIB)
  expect(askedFor(request)).toBe(64 * MIB)
  expect(askedFor(request.subarray(0, 5)) + askedFor(request.subarray(5))).toBe(64 * MIB)
})

test('bytes are counted until all are here, again and again', async () => {
  const count = createByteCount()
  for (const sizeBytes of [10, 4]) {
    const whole = count.expect(sizeBytes)
    count.add(sizeBytes - 3)
    count.add(3)
    await whole
  }
})

test('bytes that nobody asked for, and those that do not come, are errors', async () => {
  const tooMany = createByteCount()
  const whole = tooMany.expect(10)
  tooMany.add(11)
  await expect(whole).rejects.toThrow('got 1 bytes that nobody asked for')

  const tooFew = createByteCount()
  const never = tooFew.expect(10)
  tooFew.add(9)
  tooFew.fail(new Error('the sender closed the connection'))
  await expect(never).rejects.toThrow('the sender closed the connection')
})

test('a connection that ends when nothing is expected is no error', () => {
  createByteCount().fail(new Error('the sender closed the connection'))
})
