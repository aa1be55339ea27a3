import type { Digest } from '../../../protocol/digest.ts'
import type { NetworkNode } from '../../helpers/netns.ts'

/** Where a runtime runs and whom it asks for images of Docker Hub. */
export interface RuntimeInit {
  readonly node: NetworkNode
  /** An empty directory that the runtime has to itself. */
  readonly directory: string
  /** Asked first, `http://host:port`: a dfdaemon, or the registry itself. */
  readonly mirrorUrl: string
  /**
   * The registry that stands in for Docker Hub, `http://host:port`. The runtime falls back to it where its own settings
   * allow one, so that a failing mirror shows up in the registry's log.
   */
  readonly registryUrl: string
}

/** A container runtime on one node, as its users run it. */
export interface Runtime extends AsyncDisposable {
  readonly name: string
  /** Pulls an image by its full name. @throws Error with the runtime's own words when the pull fails */
  pull(reference: string): Promise<PulledImage>
}

/** What a runtime says about an image that it has pulled and checked. */
export interface PulledImage {
  /** Digest of the manifest, as the runtime computed it. */
  readonly manifestDigest: Digest
  /** The runtime's own words, for a failure's message. */
  readonly report: string
}

/** The environment of a runtime: none of the caller's proxies, credentials and configuration. */
export function cleanEnvironment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', HOME: home, LANG: 'C.UTF-8', TMPDIR: home }
}
