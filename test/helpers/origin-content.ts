import type { IncomingMessage, ServerResponse } from 'node:http'
import { formatContentRange, parseRange, resolveRange } from '../../protocol/range.ts'

/** Bytes that differ from offset to offset, so that a shifted slice is noticed. */
export function patternBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8)) & 0xff
  return bytes
}

/** Serves content as a good origin does: ranges, an ETag, HEAD. */
export function serveContent(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const headers = { etag: '"v1"', 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' }
  const asked = parseRange(request.headers.range)
  const ifRange = request.headers['if-range']
  if (asked === undefined || (ifRange !== undefined && ifRange !== '"v1"')) {
    response.writeHead(200, { ...headers, 'content-length': content.length })
    response.end(request.method === 'HEAD' ? undefined : content)
    return
  }
  const range = resolveRange(asked, content.length)
  const part = content.subarray(range.start, range.end)
  const contentRange = formatContentRange(range, content.length)
  response.writeHead(206, { ...headers, 'content-length': part.length, 'content-range': contentRange })
  response.end(request.method === 'HEAD' ? undefined : part)
}

/** Reads a body to its end. */
export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}
