import { expect, test } from 'vitest'
import { createDownload } from '../../../dfget/peer/picker/download.ts'
import { hasRoom, linkTo } from '../../../dfget/peer/picker/link.ts'
import { addNeighbour } from '../../../dfget/peer/picker/neighbours.ts'
import type { Links } from '../../../dfget/peer/picker/state.ts'
import { Bitfield } from '../../../protocol/bitfield.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** How many blocks are asked for at once of a peer that has been delivering so much, and is one of so many neighbours. */
function requestsAt(rateBytesPerMs: number, blockBytes: number, neighbours = 1): number {
  const links: Links = new Map()
  const download = createDownload({
    supernode: linkTo(links, 'supernode'),
    have: new Bitfield(),
    blockSizeBytes: blockBytes,
    background: false,
    seed: 1,
  })
  const link = linkTo(links, 'peer')
  addNeighbour(download, link, new Bitfield())
  for (let other = 1; other < neighbours; other++) addNeighbour(download, linkTo(links, `${other}`), new Bitfield())
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

test.each([
  ['one block that takes a third of a second', 768, 256 * KIB, 1],
  ['two of which each takes less', 900, 256 * KIB, 2],
  ['what comes in 300 ms, when small', 3 * KIB, 256 * KIB, 4],
  ['1 MiB, where that takes less', 100 * KIB, 256 * KIB, 4],
])('of one of four neighbours is asked for at once: %s', (_what, rate, blockBytes, requests) => {
  expect(requestsAt(rate, blockBytes, 4)).toBe(requests)
})
