import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../lib/clock.ts'
import type { ByteGate } from '../lib/limits/byte-gate.ts'
import type { Logger } from '../lib/logger.ts'
import { toDamselflyError } from '../protocol/errors.ts'
import type { ByteRange } from '../protocol/range.ts'
import { type Answer, errorAnswer } from './answer.ts'
import { type Content, wholeOf } from './content.ts'
import { BODY_FAULTS, type FaultRule, type Faults } from './faults.ts'
import type { RequestEntry } from './request-log.ts'
import { aborted, wait } from './wait.ts'

/** What the sender works with. */
export interface AnswerSenderComponents {
  readonly faults: Faults
  readonly limit: ByteGate
  readonly clock: Clock
  readonly logger: Logger
}

/** Produces the answer to one request and sends it. Never rejects; the client's leaving is normal. */
export type AnswerSender = (
  request: IncomingMessage,
  response: ServerResponse,
  entry: RequestEntry,
  produce: (signal: AbortSignal) => Promise<Answer>,
) => Promise<void>

/** The one place where answers become bytes: bandwidth, faults on bodies, back-pressure and counting happen here. */
export function createAnswerSender({ faults, limit, clock, logger }: AnswerSenderComponents): AnswerSender {
  return async (request, response, entry, produce) => {
    const left = new AbortController()
    response.once('close', () => left.abort())
    const answer = await produce(left.signal).catch((thrown: unknown) => {
      const error = toDamselflyError(thrown)
      if (error.code === 'INTERNAL' && !left.signal.aborted) logger.error({ error: error.cause }, 'request failed')
      return errorAnswer(error)
    })
    try {
      await send(request, response, entry, answer, left.signal)
    } catch (error) {
      if (!left.signal.aborted) logger.error({ error }, 'answer broken off')
      response.destroy()
    }
  }

  async function send(
    request: IncomingMessage,
    response: ServerResponse,
    entry: RequestEntry,
    answer: Answer,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return
    const { body, status } = answer
    const range = answer.range ?? (body === undefined ? { start: 0, end: 0 } : wholeOf(body))
    const bodySent = body !== undefined && request.method !== 'HEAD'
    const fault = bodySent && answer.subject !== undefined ? faults.take(answer.subject, BODY_FAULTS) : undefined
    const lengthKnown = fault?.action !== 'chunked' && status !== 204 && status !== 304
    entry.status = status
    response.writeHead(status, {
      ...answer.headers,
      ...(lengthKnown ? { 'content-length': String(range.end - range.start) } : {}),
    })
    if (!bodySent) {
      response.end()
      return
    }
    response.flushHeaders()
    const count = (bytes: number) => {
      entry.bytesSent += bytes
      answer.onBytes?.(bytes)
    }
    const pump = (part: ByteRange, corruptAt?: number) =>
      pumpBody({ response, content: body, limit, signal, count }, part, corruptAt)
    if (await sendRange(pump, response, range, fault, signal)) response.end()
  }

  /** Sends the range as the fault wants it. True when the answer is to be ended in good form. */
  async function sendRange(
    pump: (part: ByteRange, corruptAt?: number) => Promise<boolean>,
    response: ServerResponse,
    range: ByteRange,
    fault: FaultRule | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (fault === undefined) return pump(range)
    const splitAt = splitOf(range, fault)
    const head = { start: range.start, end: splitAt }
    switch (fault.action) {
      case 'corrupt':
        return pump(range, Math.min(splitAt, range.end - 1))
      case 'stall':
        if (!(await pump(head))) return false
        if (fault.delayMs === undefined) await aborted(signal)
        else await wait(clock, fault.delayMs, signal)
        return pump({ start: splitAt, end: range.end })
      case 'cut':
        if (await pump(head)) response.socket?.destroySoon()
        return false
      case 'reset':
        if ((await pump(head)) && response.socket !== null) await reset(response.socket)
        return false
      default:
        return pump(head)
    }
  }
}

interface PumpTarget {
  readonly response: ServerResponse
  readonly content: Content
  readonly limit: ByteGate
  readonly signal: AbortSignal
  count(bytes: number): void
}

/** Sends a part of the content; false when the client left before the end. */
async function pumpBody(target: PumpTarget, part: ByteRange, corruptAt: number | undefined): Promise<boolean> {
  const { response, content, limit, signal, count } = target
  let position = part.start
  for await (const chunk of content.read(part)) {
    for (let rest = chunk; rest.length > 0; ) {
      const granted = limit.open ? rest.length : await limit.take(rest.length, signal)
      if (signal.aborted) return false
      const piece = corrupted(rest.subarray(0, granted), position, corruptAt)
      rest = rest.subarray(granted)
      position += piece.length
      count(piece.length)
      if (!response.write(piece)) await drained(response, signal)
    }
  }
  return !signal.aborted
}

function corrupted(piece: Uint8Array, position: number, corruptAt: number | undefined): Uint8Array {
  if (corruptAt === undefined || corruptAt < position || corruptAt >= position + piece.length) return piece
  const copy = Uint8Array.from(piece)
  const index = corruptAt - position
  copy[index] = ~(piece[index] ?? 0) & 0xff
  return copy
}

function splitOf(range: ByteRange, fault: FaultRule): number {
  const lengthBytes = range.end - range.start
  const middle = fault.action === 'chunked' ? lengthBytes : Math.floor(lengthBytes / 2)
  return range.start + Math.min(fault.afterBytes ?? middle, lengthBytes)
}

/** Ends the connection with RST after what was written has left this process; RST would discard it otherwise. */
async function reset(socket: Socket): Promise<void> {
  await new Promise<void>(resolve => socket.write('', () => resolve()))
  socket.resetAndDestroy()
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) return Promise.resolve()
  response.once('drain', finish)
  signal.addEventListener('abort', finish)
  return promise

  function finish(): void {
    response.off('drain', finish)
    signal.removeEventListener('abort', finish)
    resolve()
  }
}
