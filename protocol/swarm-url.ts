import { type Digest, isDigest } from './digest.ts'

const SCHEME = 'swarm:'

/** The URL of content that has no origin but the swarm itself: `swarm:sha256:<64 hex>`. */
export function swarmUrl(digest: Digest): string {
  return `${SCHEME}${digest}`
}

/** Whether a URL names content of the swarm, be it well-formed or not. */
export function isSwarmUrl(url: string): boolean {
  return url.startsWith(SCHEME)
}

/** The digest in a URL of content of the swarm; undefined for any other URL, and for one without a digest. */
export function digestOfSwarmUrl(url: string): Digest | undefined {
  const text = isSwarmUrl(url) ? url.slice(SCHEME.length) : ''
  return isDigest(text) ? text : undefined
}
