import type { BlockRequest, Download, Neighbour } from './state.ts'

/** Books a request as open. */
export function openRequest(neighbour: Neighbour, block: number, nowMs: number): BlockRequest {
  const { download, link } = neighbour
  const request: BlockRequest = { neighbour, block, askedAtMs: nowMs, delivered: false }
  const others = download.requests.get(block)
  if (others === undefined) download.requests.set(block, [request])
  else others.push(request)
  download.asked.add(block)
  link.requests++
  link.requestedBytes += download.blockSizeBytes
  return request
}

/** The bytes are here: the place on the link is free for another, while the block is still on the books. */
export function noteArrival(request: BlockRequest): void {
  if (request.delivered) return
  request.delivered = true
  leaveLink(request)
}

/** Takes a request off the books, however it ended. A second call does nothing. */
export function closeRequest(request: BlockRequest): void {
  const { block } = request
  const { download } = request.neighbour
  const open = download.requests.get(block) ?? []
  const at = open.indexOf(request)
  if (at < 0) return
  open.splice(at, 1)
  if (open.length === 0) {
    download.requests.delete(block)
    download.asked.delete(block)
  }
  if (!request.delivered) leaveLink(request)
}

function leaveLink({ neighbour: { download, link } }: BlockRequest): void {
  link.requests--
  link.requestedBytes -= download.blockSizeBytes
}

/** The open requests of one download to one neighbour. O(requests open) */
export function requestsOf(neighbour: Neighbour): readonly BlockRequest[] {
  const found: BlockRequest[] = []
  for (const open of neighbour.download.requests.values()) {
    for (const request of open) if (request.neighbour === neighbour) found.push(request)
  }
  return found
}

/** A block is here. @returns requests for it that are still open and not needed any more; the caller ends them */
export function blockStored(download: Download, block: number): readonly BlockRequest[] {
  download.grants.delete(block)
  return download.requests.get(block)?.slice() ?? []
}
