import type { LogLevel } from '../../lib/log-levels.ts'

/** How a peer is made. Everything has a default. */
export interface PeerOptions {
  /** URL of the supernode, `https://supernode:8002`, or `http://127.0.0.1:8002` of a trial. Without one, content comes from its origin. */
  readonly supernode?: string | undefined
  /**
   * Directory for verified blocks and the key of the peer, which stay in it; one process at a time uses it. By default one that
   * is removed when the peer stops.
   */
  readonly dataDir?: string | undefined
  /** Multiaddrs to listen on for other peers; `/ip4/127.0.0.1/tcp/0` by default. */
  readonly listen?: readonly string[] | undefined
  /** PEM file of certificates that are trusted at origins, besides the system's. */
  readonly caFile?: string | undefined
  /** Takes any certificate of an origin; only a digest then says whether content is right. */
  readonly insecure?: boolean | undefined
  /** How long an origin may be silent, in milliseconds; 30,000 by default. */
  readonly timeoutMs?: number | undefined
  /** What is logged on standard error; nothing by default. */
  readonly logLevel?: LogLevel | undefined
}

/** What is said of content when it is asked for. */
export interface ContentOptions {
  /** `sha256:<hex>` or `sha512:<hex>` that the content must have. The digest in the URL of a registry's blob counts without it. */
  readonly digest?: string | undefined
  /** Headers for the origin. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

/** How a file is downloaded. */
export interface DownloadOptions extends ContentOptions {
  /** Whether a file that exists is replaced. */
  readonly overwrite?: boolean | undefined
}

/** Where bytes came from so far. */
export interface ContentAccount {
  readonly diskBytes: number
  readonly peerBytes: number
  readonly supernodeBytes: number
  readonly originBytes: number
}

/** Which bytes are read: all by default. */
export interface ReadOptions {
  /** The first byte. */
  readonly start?: number | undefined
  /** The byte after the last one. */
  readonly end?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Content that can be read while it is still arriving. */
export interface Content {
  /** Undefined when the origin did not tell. */
  readonly sizeBytes: number | undefined
  readonly contentType: string | undefined
  readonly account: ContentAccount
  /**
   * Reads in order. A piece is valid until the next one is asked for: whoever keeps it copies it. May be called again.
   * @throws DamselflyError CONTENT_CORRUPT, what the origin says; the signal's reason
   */
  read(options?: ReadOptions): AsyncGenerator<Uint8Array>
}

/** A file that was downloaded. */
export interface DownloadResult {
  /** Absolute. */
  readonly path: string
  readonly sizeBytes: number
  /** That which was asked for, else the sha256. */
  readonly digest: string
  readonly account: ContentAccount
}

/** A peer of the swarm: fetches content from other peers, the supernode and the origin, verifies it and serves it to others. */
export interface Peer extends AsyncDisposable {
  /** PeerId in base58. */
  readonly peerId: string
  /** Multiaddrs, while it is started. */
  addresses(): readonly string[]
  /** @throws DamselflyError STORE_FAILED, CONFIG_INVALID */
  start(): Promise<void>
  /** Ends all downloads. May be repeated. */
  stop(): Promise<void>
  /**
   * Opens content.
   * @throws DamselflyError REQUEST_INVALID, DIGEST_INVALID, what the origin says; the signal's reason
   */
  open(url: string, options?: ContentOptions): Promise<Content>
  /**
   * Downloads to a file, which has its name when all of it is there and checked. To a directory (`path` is one, or ends in `/`), the
   * file is called as the URL ends.
   * @throws DamselflyError as `open` does; CONTENT_CORRUPT; OUTPUT_FAILED, also for a file that exists
   */
  download(url: string, path: string, options?: DownloadOptions): Promise<DownloadResult>
}
