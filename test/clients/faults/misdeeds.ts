import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { Misdeed } from './fault.ts'

/** A request, how it is to be answered badly, and by whom. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly misdeeds: readonly Misdeed[]
  readonly origin: { readonly address: string; readonly port: number; readonly storagePort: number }
  /** What the realm of the Bearer challenge gives. */
  readonly token: string
}

/** What the registry itself said. */
export interface RegistryAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** What registries call their refusals. */
const CODES: Readonly<Record<number, string>> = { 404: 'BLOB_UNKNOWN', 429: 'TOOMANYREQUESTS' }

/** Asks the registry the same, for the whole content where ranges are not known. */
export function askRegistry(
  registryUrl: string,
  { method, url = '', headers }: IncomingMessage,
  { ranged }: { ranged: boolean },
): Promise<RegistryAnswer> {
  const { host: _host, authorization: _authorization, connection: _connection, range, ...rest } = headers
  const asked = { ...rest, ...(ranged && range !== undefined ? { range } : {}) }
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(new URL(url, registryUrl), { ...(method ? { method } : {}), headers: asked })
    outgoing.on('response', answer => {
      buffer(answer).then(body => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }), reject)
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** Answers a request as its misdeeds say, else as the registry does. */
export async function answerWith(exchange: Exchange, ask: () => Promise<RegistryAnswer>): Promise<void> {
  for (const misdeed of exchange.misdeeds) if (misdeed.kind === 'delay') await delay(misdeed.delayMs)
  if (refuse(exchange)) return
  const { request, response, misdeeds } = exchange
  const { status, headers, body } = await ask()
  const good = status === 200 || status === 206
  if (!good || request.method === 'HEAD') return void response.writeHead(status, headers).end(body)
  const flips = misdeeds.some(misdeed => misdeed.kind === 'flip')
  sendBody(exchange, status, headers, flips ? withWrongByte(body) : body)
}

/** Sends an answer that is not the registry's, if there is one to send. */
function refuse({ request, response, misdeeds, origin, token }: Exchange): boolean {
  for (const misdeed of misdeeds) {
    if (misdeed.kind === 'status') {
      const errors = [{ code: CODES[misdeed.status] ?? 'UNKNOWN', message: 'told to misbehave' }]
      response.writeHead(misdeed.status, { 'content-type': 'application/json', ...misdeed.headers })
      response.end(JSON.stringify({ errors }))
      return true
    }
    if (misdeed.kind === 'redirect') {
      response.writeHead(307, { location: `http://${origin.address}:${origin.storagePort}${request.url}` }).end()
      return true
    }
    if (misdeed.kind === 'challenge' && request.headers.authorization !== `Bearer ${token}`) {
      const realm = `realm="http://${origin.address}:${origin.port}/token"`
      const challenge = misdeed.scheme === 'Bearer' ? `Bearer ${realm},service="test"` : 'Basic realm="test"'
      response.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'application/json' })
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }))
      return true
    }
  }
  return false
}

function sendBody(
  { response, misdeeds }: Exchange,
  status: number,
  headers: IncomingMessage['headers'],
  body: Buffer,
): void {
  const half = body.subarray(0, Math.max(0, middleOf(headers, body) - startOf(headers)))
  const cut = misdeeds.find(misdeed => misdeed.kind === 'cut')
  const chunked = misdeeds.find(misdeed => misdeed.kind === 'chunked')
  const { 'content-length': _length, ...unsized } = headers
  if (chunked !== undefined) {
    response.writeHead(status, { ...unsized, 'transfer-encoding': 'chunked' })
    response.end(chunked.sends === 'half' ? half : body)
    return
  }
  response.writeHead(status, headers)
  if (cut === undefined) return void response.end(body)
  response.flushHeaders()
  const end = () => (cut.by === 'rst' ? response.socket?.resetAndDestroy() : response.socket?.end())
  if (cut.after === 'nothing' || half.length === 0) end()
  else response.write(half, end)
}

/** The middle of the whole content, so that ranges behind it bring nothing more. */
function middleOf(headers: IncomingMessage['headers'], body: Buffer): number {
  const whole = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]
  return Number(whole ?? body.length) >> 1
}

function startOf(headers: IncomingMessage['headers']): number {
  return Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? 0)
}

function withWrongByte(body: Buffer): Buffer {
  const wrong = Buffer.from(body)
  const middle = wrong.length >> 1
  wrong[middle] = (wrong[middle] ?? 0) ^ 1
  return wrong
}
