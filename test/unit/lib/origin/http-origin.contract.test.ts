import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { formatContentRange, formatUnsatisfiedRange, parseRange, resolveRange } from '../../../../protocol/range.ts'
import { describeOrigin, type OriginContractFixture } from '../../../helpers/origin-contract.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'

/** How the servers of a fixture are. */
interface ServerKind {
  /** Whether content is behind a redirect to another server. */
  readonly redirects?: boolean
  /** Whether they always answer with the whole content. */
  readonly wholeOnly?: boolean
}

describeOrigin('HTTP', () => createFixture({}))
describeOrigin('HTTP behind a redirect', () => createFixture({ redirects: true }))
describeOrigin('HTTP without ranges', () => createFixture({ wholeOnly: true }))

async function createFixture({ redirects = false, wholeOnly = false }: ServerKind): Promise<OriginContractFixture> {
  const fixture = createOriginFixture()
  const stored = new Map<string, Buffer>()
  const sockets = new Set<Socket>()
  let held = 0

  const storage = await fixture.server(async (request, response) => {
    sockets.add(request.socket)
    held += 1
    response.on('close', () => {
      held -= 1
    })
    const content = stored.get(request.url ?? '')
    if (content === undefined) response.writeHead(404).end()
    else if (request.url === '/forbidden') response.writeHead(403).end()
    else await serve(request, response, content, wholeOnly)
  })
  const front = redirects
    ? await fixture.server((request, response) =>
        response.writeHead(302, { location: storage.url + request.url }).end(),
      )
    : storage
  const sourceOf = (name: string) => ({ url: `${front.url}/${name}`, headers: {} })
  const origin = fixture.origin()

  return {
    origin,
    missing: sourceOf('missing'),
    async put(name, content) {
      stored.set(`/${name}`, content)
      return sourceOf(name)
    },
    async withForbidden(work) {
      stored.set('/forbidden', Buffer.from('secret'))
      return work(origin, sourceOf('forbidden'))
    },
    held: async () => held,
    takenBytes: async () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0),
    [Symbol.asyncDispose]: () => fixture.close(),
  }
}

/** Serves as a file server does, at the pace of the reader. */
async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  wholeOnly: boolean,
): Promise<void> {
  const etag = `"${createHash('sha256').update(content).digest('hex')}"`
  const ifRange = request.headers['if-range']
  const asked = wholeOnly || (ifRange ?? etag) !== etag ? undefined : parseRange(request.headers.range)
  const slice = asked === undefined ? { start: 0, end: content.length } : rangeOf(asked, content.length)
  if (slice === undefined) {
    response.writeHead(416, { 'content-range': formatUnsatisfiedRange(content.length) }).end()
    return
  }
  const part = content.subarray(slice.start, slice.end)
  const range = asked === undefined ? {} : { 'content-range': formatContentRange(slice, content.length) }
  response.writeHead(asked === undefined ? 200 : 206, { etag, 'content-length': part.length, ...range })
  if (request.method === 'HEAD') response.end()
  // A reader that leaves ends it.
  else await pipeline(Readable.from(slicesOf(part)), response).catch(() => {})
}

function rangeOf(asked: NonNullable<ReturnType<typeof parseRange>>, sizeBytes: number) {
  try {
    return resolveRange(asked, sizeBytes)
  } catch {
    return undefined
  }
}

function* slicesOf(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536)
}
