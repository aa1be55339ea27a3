import { parseContentRange } from '../../protocol/range.ts'
import { type ClientRequest, openRequest, readUpTo, sendRequest } from './client-request.ts'

/** Fetches a blob in the way of some client. @throws Error at an answer that would make that client fail */
export type BlobFetch = (url: string, init: ClientRequest) => Promise<Buffer>

/** One request for the whole. */
export const fetchWhole: BlobFetch = async (url, init) => {
  const { status, body, headers } = await sendRequest(url, init)
  if (status !== 200) throw new Error(`expected 200, got ${status}`)
  if (Number(headers['content-length']) !== body.length) throw new Error('a body of another length than told')
  return body
}

/** A try that is given up in the middle, and another: kubelet and CRI-O after a timeout. */
export const fetchAgain: BlobFetch = async (url, init) => {
  const response = await openRequest(url, init)
  await readUpTo(response, Number(response.headers['content-length']) / 2)
  return fetchWhole(url, init)
}

/**
 * A connection that is lost in the middle, and the rest by a range. containers/image wants 206 to the very end for it
 * (from 5.25 on), and so does dockerd, which otherwise begins anew.
 */
export const fetchResumed: BlobFetch = async (url, init) => {
  const first = await openRequest(url, init)
  const sizeBytes = Number(first.headers['content-length'])
  const beginning = await readUpTo(first, Math.floor(sizeBytes / 2))
  const { status, headers, body } = await sendRequest(url, withRange(init, `bytes=${beginning.length}-`))
  const range = parseContentRange(headers['content-range'])
  const isRest = range?.start === beginning.length && range.end === sizeBytes && range.sizeBytes === sizeBytes
  if (status !== 206 || !isRest) throw new Error(`the rest came as ${status} ${headers['content-range']}`)
  return Buffer.concat([beginning, body])
}

/** Several ranges in one request, as for zstd:chunked: parts, the whole, or 400 where a server cannot (containers/image). */
export const fetchParts: BlobFetch = async (url, init) => {
  const { status, headers, body } = await sendRequest(url, withRange(init, 'bytes=0-99,200-299'))
  if (status === 200) return body
  const isParts = status === 206 && headers['content-type']?.startsWith('multipart/byteranges') === true
  if (!isParts && status !== 400) throw new Error(`two ranges were answered with ${status}`)
  return fetchWhole(url, init)
}

/**
 * Parallel ranges, as of containerd from 2.1 on: `bytes=0-` first, then over several connections the rest from each further
 * chunk on. Each request reads its chunk and hangs up.
 */
export function fetchParallel({ chunkBytes, connections }: { chunkBytes: number; connections: number }): BlobFetch {
  return async (url, init) => {
    const chunkAt = async (start: number): Promise<{ bytes: Buffer; sizeBytes: number }> => {
      const response = await openRequest(url, withRange(init, `bytes=${start}-`))
      const length = Number(response.headers['content-length'])
      // A host that ignores ranges is read in one go, by the first request.
      if (response.statusCode === 200 && start === 0) return { bytes: await readUpTo(response, length), sizeBytes: 0 }
      const range = parseContentRange(response.headers['content-range'])
      const isRest = range?.start === start && range.end === range.sizeBytes && length === range.end - start
      if (response.statusCode !== 206 || !isRest)
        throw new Error(`the rest from ${start} came as ${response.statusCode}`)
      return { bytes: await readUpTo(response, chunkBytes), sizeBytes: range.end }
    }
    const first = await chunkAt(0)
    const chunks = [first.bytes]
    const count = Math.ceil(first.sizeBytes / chunkBytes)
    let next = 1
    const fetchChunks = async () => {
      for (let index = next++; index < count; index = next++) chunks[index] = (await chunkAt(index * chunkBytes)).bytes
    }
    await Promise.all(Array.from({ length: connections }, fetchChunks))
    return Buffer.concat(chunks)
  }
}

function withRange(init: ClientRequest, range: string): ClientRequest {
  return { ...init, headers: { ...init.headers, range } }
}
