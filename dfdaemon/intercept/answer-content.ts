import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Peer } from '../../dfget/peer/peer.ts'
import type { TaskContent } from '../../dfget/peer/task/task-content.ts'
import type { AccessCheck } from '../../lib/origin/access.ts'
import { type ByteRange, parseRange, resolveRange } from '../../protocol/range.ts'
import { contentHeaders, openForCaller, startingWith } from '../proxy/content.ts'
import { sendBody } from '../proxy/send-body.ts'
import type { AnswerContent, ContentTarget } from './answer-proxied.ts'

export interface AnswerContentComponents {
  readonly peer: Pick<Peer, 'open'>
  /** Whether a caller may have what is here already. */
  readonly access: Pick<AccessCheck, 'check' | 'grant'>
  /** Counts body bytes sent to clients. */
  readonly account: (bytes: number) => void
}

/** Answers intercepted requests through the node's peer: no header goes out before the first verified byte is in hand. */
export function createAnswerContent({ peer, access, account }: AnswerContentComponents): AnswerContent {
  return async (request: IncomingMessage, response: ServerResponse, target: ContentTarget, { signal }) => {
    const content = await openForCaller({ peer, access }, target, { signal })
    const range = requestedRange(request, content)
    const pieces = content.read(range ?? { start: 0 }, { signal })
    const first = await pieces.next()
    access.grant(target, { sizeBytes: content.sizeBytes, validator: undefined })
    response.writeHead(range === undefined ? 200 : 206, contentHeaders(content, target.digest, range))
    account(await sendBody(response, startingWith(first, pieces), { signal }))
  }
}

/** @throws DamselflyError RANGE_INVALID, which the origin then says in its own words */
function requestedRange({ headers }: IncomingMessage, { sizeBytes }: TaskContent): ByteRange | undefined {
  const wanted = parseRange(headers.range)
  return wanted === undefined || !sizeBytes ? undefined : resolveRange(wanted, sizeBytes)
}
