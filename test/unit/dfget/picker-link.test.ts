import { expect, test } from 'vitest'
import { hasRoom, linkTo } from '../../../dfget/peer/picker/link.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** How many blocks are asked for at once of a peer that has been delivering so much. */
function requestsAt(rateBytesPerMs: number, blockBytes: number): number {
  const link = linkTo(new Map(), 'peer')
  link.rateBytesPerMs = rateBytesPerMs
  while (hasRoom(link, blockBytes)) {
    link.requests++
    link.requestedBytes += blockBytes
  }
  return link.requests
}

test.each([
  ['one block, of a peer that has delivered nothing', 0, MIB, 1],
  ['two large blocks, of a peer of usual speed', 12 * KIB, 4 * MIB, 2],
  ['1 MiB of small blocks, of a peer of usual speed', 12 * KIB, 256 * KIB, 4],
  ['what a fast peer delivers in 10 ms', 600 * KIB, MIB, 5],
  ['8 MiB, of the fastest', 100 * MIB, MIB, 8],
])('asked for at once is %s', (_what, rate, blockBytes, requests) => {
  expect(requestsAt(rate, blockBytes)).toBe(requests)
})
