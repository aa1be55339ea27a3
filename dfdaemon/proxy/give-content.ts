import type { ServerResponse } from 'node:http'
import type { Peer } from '../../dfget/peer/peer.ts'
import type { AccessCheck } from '../../lib/origin/access.ts'
import type { Source } from '../../lib/origin/origin.ts'
import type { PullLog, PullSubject, RunningPull } from '../pulls/pull-log.ts'
import { contentHeaders, pullHeaders, requestedRange, startingWith } from './content.ts'
import { type OpenCheckedComponents, openChecked } from './open-checked.ts'
import { sendBody } from './send-body.ts'

export interface GiveContentComponents extends OpenCheckedComponents {
  readonly peer: Pick<Peer, 'open' | 'openDirect'>
  /** Whether a caller may have what is here already. */
  readonly access: Pick<AccessCheck, 'check' | 'grant'>
  /** Remembers what was pulled. */
  readonly pulls: PullLog
  /** Counts body bytes sent to clients. */
  readonly account: { blobBytes(bytes: number): void }
}

/** What a client asks for, and how it is answered. */
export interface ContentRequest {
  readonly source: Source
  readonly subject: Omit<PullSubject, 'url'>
  /** Value of the `Range` header. */
  readonly range: string | undefined
  /** Whether the content may go through the swarm. */
  readonly p2p: boolean
  /** Whether it gives way to other downloads; it does not by default. */
  readonly background?: boolean | undefined
  /** Writes the headers. */
  readonly begin: (status: number, headers: Record<string, string | number>) => ServerResponse
  /** Aborted when the client hangs up. */
  readonly signal: AbortSignal
}

/**
 * Gives content to a client, and books it as a pull. No header goes out before the first verified byte is in hand.
 * @throws DamselflyError before `begin` was called, or after it, when the response has been cut; RANGE_INVALID
 */
export async function giveContent(components: GiveContentComponents, request: ContentRequest): Promise<void> {
  const { source, subject, signal } = request
  const pull = components.pulls.begin({ url: source.url, ...subject })
  try {
    const whole = await give(components, request, pull)
    if (whole) pull.completed()
    else pull.cutShort()
  } catch (error) {
    if (signal.aborted) pull.cutShort()
    else pull.failed(error)
    throw error
  }
}

async function give(
  components: GiveContentComponents,
  { source, range: rangeHeader, p2p, background, begin, signal }: ContentRequest,
  pull: RunningPull,
): Promise<boolean> {
  const { peer, access, account } = components
  const { content: opened, isAsked } = p2p
    ? await openChecked(components, source, { signal, background })
    : { content: await peer.openDirect(source, { signal }), isAsked: false }
  // A part can be named of content of known length only, and clients that resume take nothing but 206.
  const sizeBytes = opened.sizeBytes ?? (rangeHeader === undefined ? undefined : await toldSize(access, source, signal))
  const content = { ...opened, sizeBytes }
  pull.opened(content)
  const range = requestedRange(rangeHeader, content.sizeBytes)
  const pieces = content.read(range ?? { start: 0 }, { signal, account: pull.account })
  const first = await pieces.next()
  // A yes that was only remembered must not be made younger by its use.
  if (isAsked) access.grant(source, { sizeBytes: content.sizeBytes, validator: undefined })
  const headers = { ...contentHeaders(content, source.digest, range), ...pullHeaders(pull.id, content, range) }
  const response = begin(range === undefined ? 200 : 206, headers)
  const { sentBytes, whole } = await sendBody(response, startingWith(first, pieces), { signal })
  account.blobBytes(sentBytes)
  return whole
}

/** The length that the origin tells by HEAD, if it does. */
async function toldSize(
  access: Pick<AccessCheck, 'check'>,
  source: Source,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return (await access.check(source, { allowStale: true, signal })).sizeBytes
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
