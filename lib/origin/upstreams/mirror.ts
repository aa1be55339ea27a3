import type { Digest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { CredentialStore } from '../credentials/credential-store.ts'
import type { Source } from '../origin.ts'
import type { SetAside } from './set-aside.ts'

export interface MirrorComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** Knows our account at the mirror's host. */
  readonly credentials: CredentialStore
  /** Mirrors that cannot be reached, by base URL. */
  readonly unreachable: SetAside
  /** What mirrors have wrong bytes of, by base URL and digest. */
  readonly corrupt: SetAside
}

export interface MirrorInit {
  /** What stands for `/v2`, without a slash at the end. */
  readonly baseUrl: string
  /** The registry that it is told in `?ns=`. */
  readonly namespace: string | undefined
}

/** One read of a mirror, whose outcome decides whether the next reads may try it. */
export interface MirrorTry {
  /** Where to read. It carries our own account at the mirror, if any, and nothing of the requester's. */
  readonly source: Source
  /** The mirror answered as it should. */
  succeeded(): void
  failed(error: unknown): void
}

/** A mirror of one registry. */
export class Mirror {
  readonly baseUrl: string
  readonly #components: MirrorComponents
  readonly #namespace: string | undefined

  constructor(components: MirrorComponents, { baseUrl, namespace }: MirrorInit) {
    this.#components = components
    this.baseUrl = baseUrl
    this.#namespace = namespace
  }

  /**
   * @param rest path behind `/v2`, with its query
   * @returns undefined while the mirror is put aside, as a whole or for this digest
   * @throws the signal's reason when it aborts
   */
  async begin(
    rest: string,
    digest: Digest | undefined,
    { signal }: { readonly signal?: AbortSignal | undefined },
  ): Promise<MirrorTry | undefined> {
    const { clock, logger, credentials, unreachable, corrupt } = this.#components
    if (digest !== undefined && !corrupt.admits(this.#keyOf(digest))) return undefined
    if (!unreachable.admits(this.baseUrl)) return undefined
    const url = new URL(this.baseUrl + rest)
    if (this.#namespace !== undefined) url.searchParams.set('ns', this.#namespace)
    const { host } = url
    const account = await credentials.forRegistry(host, { signal })
    const triedAt = clock.now()
    return {
      source: { url: url.href, headers: {}, credentials: account, digest },
      succeeded: () => unreachable.recovered(this.baseUrl),
      failed: error => {
        logger.debug({ mirror: host, error }, 'mirror passed over')
        // Whatever it answered, it can be reached.
        if (!isUnreachable(error)) return unreachable.recovered(this.baseUrl)
        const pauseMs = unreachable.failed(this.baseUrl, triedAt)
        if (pauseMs !== undefined) logger.warn({ mirror: host, pauseMs }, 'mirror cannot be reached, put aside')
      },
    }
  }

  /** Notes that the mirror's bytes are not what the digest says. */
  isCorrupt(digest: Digest): void {
    const { clock, logger, corrupt } = this.#components
    corrupt.failed(this.#keyOf(digest), clock.now())
    logger.warn({ mirror: new URL(this.baseUrl).host, digest }, 'mirror has wrong bytes, passed over for this content')
  }

  #keyOf(digest: Digest): string {
    return `${this.baseUrl} ${digest}`
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof DamselflyError && error.code === 'ORIGIN_UNREACHABLE'
}
