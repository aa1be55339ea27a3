import type { Digest } from '../../protocol/digest.ts'
import { swarmUrl } from '../../protocol/swarm-url.ts'
import type { Source } from './origin.ts'

/** The source of content that has no origin but the swarm. */
export function swarmSource(digest: Digest): Source {
  return { url: swarmUrl(digest), headers: {}, digest }
}
