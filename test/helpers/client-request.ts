import { once } from 'node:events'
import { type Agent, type IncomingMessage, request } from 'node:http'

/** How a client of a test asks. */
export interface ClientRequest {
  readonly method?: 'GET' | 'HEAD'
  /** An array is sent as one line for each value. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Whose connections are used; without it the request has one of its own and asks to close it. */
  readonly agent?: Agent
}

/** A whole answer. */
export interface ClientAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Real clients wait no longer for the headers of an answer (containerd from 2.3 on). */
const HEADERS_TIMEOUT_MS = 30_000

/** Sends a request over HTTP/1.1, header lines as given. Whoever gets the answer reads or destroys it. */
export async function openRequest(url: string, { method, headers, agent }: ClientRequest): Promise<IncomingMessage> {
  const lines = Object.entries(headers ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : [...value],
  ])
  const sent = request(url, { method: method ?? 'GET', agent: agent ?? false, headers: Object.fromEntries(lines) })
  sent.end()
  const signal = AbortSignal.timeout(HEADERS_TIMEOUT_MS)
  const [response] = (await once(sent, 'response', { signal })) as [IncomingMessage]
  return response
}

/** Sends a request and reads the answer to its end. */
export async function sendRequest(url: string, init: ClientRequest = {}): Promise<ClientAnswer> {
  const response = await openRequest(url, init)
  const body = await readUpTo(response, Number.POSITIVE_INFINITY)
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}

/** Reads so many bytes of a body, or all where there are fewer, and hangs up if more were to come. */
export async function readUpTo(response: IncomingMessage, sizeBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let received = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    received += chunk.length
    if (received >= sizeBytes) break
  }
  return Buffer.concat(chunks).subarray(0, sizeBytes)
}
