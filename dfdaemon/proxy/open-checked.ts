import type { Peer } from '../../dfget/peer/peer.ts'
import { isCorrupt } from '../../dfget/peer/task/is-corrupt.ts'
import type { AccessCheck } from '../../lib/origin/access.ts'
import type { Source } from '../../lib/origin/origin.ts'
import { type CallersContent, openForCaller } from './content.ts'

export interface OpenCheckedComponents {
  readonly peer: Pick<Peer, 'open'>
  readonly access: Pick<AccessCheck, 'check'>
  /**
   * Content up to this size is checked as a whole before any of it is sent: an origin may send wrong bytes once, and a client
   * that has got them fails (contracts §6.1). Longer content has to flow.
   */
  readonly checkedFirstBytes: number
}

/** How long small content may take to settle before its beginning is given all the same. */
const SETTLE_MS = 5_000

/** How often content is downloaded that comes out wrong; the last time past the swarm, whose origin may be another. */
const MAX_TRIES = 4

/** How often it is opened when anything else fails, before reads have to go on from the origin. */
const MAX_FAILED_TRIES = 2

/**
 * Opens content for its caller; small content is checked as a whole before, and downloaded anew when it came out wrong.
 * @throws DamselflyError CONTENT_CORRUPT when it did each time; what `openForCaller` throws
 */
export async function openChecked(
  { peer, access, checkedFirstBytes }: OpenCheckedComponents,
  source: Source,
  options: { readonly signal: AbortSignal; readonly background: boolean | undefined },
): Promise<CallersContent> {
  let isAsked = false
  for (let tries = 1; ; tries++) {
    const opened = await openForCaller({ peer, access }, source, { ...options, pastSwarm: tries === MAX_TRIES })
    const { content } = opened
    isAsked ||= opened.isAsked
    if ((content.sizeBytes ?? Number.POSITIVE_INFINITY) > checkedFirstBytes) return { content, isAsked }
    const failure = await content.settled({ ...options, withinMs: SETTLE_MS })
    if (failure === undefined) return { content, isAsked }
    if (!isCorrupt(failure) && tries >= MAX_FAILED_TRIES) return { content, isAsked }
    if (tries >= MAX_TRIES) throw failure
  }
}
