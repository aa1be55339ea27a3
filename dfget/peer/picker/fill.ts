import { chooseBlock, NONE } from './choose-block.ts'
import { hasRoom } from './link.ts'
import { openRequest } from './requests.ts'
import type { BlockRequest, Download, Link, Neighbour } from './state.ts'

/**
 * A link may have room: its downloads take turns in asking for a block, those that somebody waits for before the others.
 * @param options.background whether the others may ask at all; they may by default
 * @returns the requests to send, in order; they are booked as open
 */
export function fillLink(link: Link, nowMs: number, { background = true } = {}): BlockRequest[] {
  const requests: BlockRequest[] = []
  fillWith(link, false, nowMs, requests)
  if (background) fillWith(link, true, nowMs, requests)
  return requests
}

/** A neighbour has something new to offer. @returns the requests to send */
export function fillNeighbour(neighbour: Neighbour, nowMs: number): BlockRequest[] {
  const requests: BlockRequest[] = []
  while (hasRoom(neighbour.link, neighbour.download.blockSizeBytes)) {
    const block = chooseBlock(neighbour, nowMs)
    if (block === NONE) break
    requests.push(openRequest(neighbour, block, nowMs))
  }
  return requests
}

/** A download has something new to ask for: the supernode's links first, then the idlest. @returns the requests to send */
export function fillDownload(download: Download, nowMs: number): BlockRequest[] {
  return inOrder(download).flatMap(neighbour => fillNeighbour(neighbour, nowMs))
}

/** A download may ask for one block and no more, whether its links have room or not. @returns the request to send */
export function askOnce(download: Download, nowMs: number): BlockRequest | undefined {
  for (const neighbour of inOrder(download)) {
    const block = chooseBlock(neighbour, nowMs)
    if (block !== NONE) return openRequest(neighbour, block, nowMs)
  }
  return undefined
}

function inOrder({ supernode, neighbours }: Download): Neighbour[] {
  return [supernode, ...[...neighbours.values()].sort((a, b) => a.link.requests - b.link.requests)]
}

function fillWith(link: Link, background: boolean, nowMs: number, requests: BlockRequest[]): void {
  const { users } = link
  for (let refusals = 0; refusals < users.length; ) {
    const user = users.shift()
    if (user === undefined) return
    users.push(user)
    refusals++
    if (user.download.background !== background || !hasRoom(link, user.download.blockSizeBytes)) continue
    const block = chooseBlock(user, nowMs)
    if (block === NONE) continue
    requests.push(openRequest(user, block, nowMs))
    refusals = 0
  }
}
