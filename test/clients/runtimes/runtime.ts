import type { Digest } from '../../../protocol/digest.ts'
import type { NetworkNode } from '../../helpers/netns.ts'

/** Where a runtime runs and whom it asks for images of one registry. */
export interface RuntimeInit {
  readonly node: NetworkNode
  /** An empty directory that the runtime has to itself. */
  readonly directory: string
  /** The registry's name in image references, `docker.io` by default. dockerd has mirrors for no other. */
  readonly registry?: string
  /** Asked first, `http://host:port`: a dfdaemon, or the registry itself. */
  readonly mirrorUrl: string
  /**
   * Where the registry of that name answers, `http://host:port`. The runtime falls back to it where its own settings allow
   * one, so that a failing mirror shows up in the registry's log. dockerd falls back to Docker Hub by its own name only.
   */
  readonly registryUrl: string
  /** What the runtime's user has to show to the registry; nothing by default. */
  readonly credentials?: RegistryLogin
  /** Added to the runtime's environment, for example `HTTPS_PROXY` and `SSL_CERT_FILE`. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A user's account at a registry. */
export interface RegistryLogin {
  readonly username: string
  readonly password: string
}

/** A container runtime on one node, as its users run it. */
export interface Runtime extends AsyncDisposable {
  readonly name: string
  /**
   * Pulls an image by its full name, with a tag or a digest, after it has forgotten all that it pulled before.
   * @throws Error with the runtime's own words when the pull fails or takes more than `timeoutMs` (2 minutes by default)
   */
  pull(reference: string, options?: { readonly timeoutMs?: number }): Promise<PulledImage>
  /** The end of its daemon's log, where it has a daemon: what the daemon does not tell the user. */
  log(): string
}

/** Starts or prepares a runtime. */
export type StartRuntime = (init: RuntimeInit) => Promise<Runtime>

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
