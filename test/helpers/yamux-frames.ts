import fc from 'fast-check'
import { type FrameHeader, FrameType } from '../../lib/p2p/yamux/frame.ts'

const uint32 = fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))

/** Any header that yamux knows. */
export const frameHeader: fc.Arbitrary<FrameHeader> = fc.record({
  type: fc.constantFrom(...Object.values(FrameType)),
  flags: fc.integer({ min: 0, max: 0xffff }),
  stream: uint32,
  length: uint32,
})
