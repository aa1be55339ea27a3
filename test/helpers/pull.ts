import { createHash } from 'node:crypto'
import { request } from 'undici'

/** What a pull of a blob brought. */
export interface Pulled {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Of the body, as `sha256:<hex>`. */
  readonly digest: string
  readonly sizeBytes: number
  /** From the request to the first byte of the body, in milliseconds. */
  readonly firstByteMs: number
}

/** How a blob is pulled. */
export interface PullOptions {
  readonly headers?: Record<string, string>
  /** Query of the URL, for example `?ns=registry.example`. */
  readonly query?: string
  readonly signal?: AbortSignal
  /** Called with the bytes received so far. */
  readonly onBytes?: (sizeBytes: number) => void
}

/** Pulls a blob through a dfdaemon, without keeping its bytes. @throws Error when the body breaks off */
export async function pullBlob(
  node: { readonly url: string },
  blob: { readonly repository: string; readonly digest: string },
  { headers = {}, query = '', signal, onBytes }: PullOptions = {},
): Promise<Pulled> {
  const startedAt = performance.now()
  const response = await request(`${node.url}/v2/${blob.repository}/blobs/${blob.digest}${query}`, {
    headers,
    ...(signal === undefined ? {} : { signal }),
  })
  const hash = createHash('sha256')
  let sizeBytes = 0
  let firstByteMs = Number.POSITIVE_INFINITY
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    if (sizeBytes === 0) firstByteMs = performance.now() - startedAt
    hash.update(chunk)
    sizeBytes += chunk.length
    onBytes?.(sizeBytes)
  }
  const { statusCode: status, headers: answered } = response
  return { status, headers: answered, digest: `sha256:${hash.digest('hex')}`, sizeBytes, firstByteMs }
}

/** Reads a counter or gauge from a program's metrics: the sum over all series that carry the labels. */
export async function readMetric(
  program: { readonly url: string },
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await request(`${program.url}/metrics`)
  const lines = (await response.body.text()).split('\n')
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return lines
    .filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .filter(line => wanted.every(label => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
