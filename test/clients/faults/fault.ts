/** What a misbehaving origin does to the requests of one kind. */
export interface Fault {
  readonly on: RequestKind
  /** `once`: to the first such request of each client address for each method and path. */
  readonly times: 'once' | 'always'
  readonly does: Misdeed
}

/** `base` is `/v2/` itself. */
export type RequestKind = 'base' | 'manifest' | 'blob'

/** One way to misbehave. */
export type Misdeed =
  /** Another answer, in the form of registries. */
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The body up to the middle of the content, or none of it, under its whole `Content-Length`; then the connection ends. */
  | { readonly kind: 'cut'; readonly by: 'fin' | 'rst'; readonly after: 'nothing' | 'half' }
  /** No `Content-Length`; with half of the body the end is a clean one. */
  | { readonly kind: 'chunked'; readonly sends: 'half' | 'all' }
  /** One wrong byte in the middle. */
  | { readonly kind: 'flip' }
  /** 200 and all of it, whatever range was asked for. */
  | { readonly kind: 'no-ranges' }
  /** 401 for whoever shows no authority. The realm of the Bearer challenge gives tokens to everybody. */
  | { readonly kind: 'challenge'; readonly scheme: 'Basic' | 'Bearer' }
  /** 307 to another port, which answers well but refuses whoever shows `Authorization`, as S3 does. */
  | { readonly kind: 'redirect' }
  | { readonly kind: 'delay'; readonly delayMs: number }

/** Whether a misdeed shows only where there is a body, which an answer to `HEAD` has not. */
export function isAboutBody({ kind }: Misdeed): boolean {
  return kind === 'cut' || kind === 'chunked' || kind === 'flip' || kind === 'no-ranges'
}

/** What the origin is told to do from now on. */
export type OriginState = { readonly port: 'closed' } | { readonly port: 'open'; readonly faults: readonly Fault[] }

/** A request that reached the origin. */
export interface OriginRequest {
  readonly kind: RequestKind | 'token' | 'storage' | 'other'
  readonly path: string
  readonly userAgent: string
  readonly client: string
  /** Whether it came by the name of Docker Hub. */
  readonly asDockerHub: boolean
}
