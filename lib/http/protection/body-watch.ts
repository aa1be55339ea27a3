import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../clock.ts'

/** Over how long a rate is measured. */
const WINDOW_MS = 10_000
const LOOK_MS = 2_500

const TIMEOUT_ANSWER = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'

/** Ends requests whose bodies come too slowly. */
export interface BodyWatch {
  /** A request has come whose body may be still to come. */
  add(request: IncomingMessage, response: ServerResponse): void
  start(): void
  stop(): void
}

interface Receiving {
  /** A request loses its own when that closes. */
  readonly socket: Socket
  readonly request: IncomingMessage
  readonly response: ServerResponse
  sinceMs: number
  bytesBefore: number
}

export interface BodyWatchComponents {
  readonly clock: Clock
  /** Called for each request that was ended. */
  readonly ended: () => void
}

/** @param minRate in bytes per second; 0 for none */
export function createBodyWatch({ clock, ended }: BodyWatchComponents, minRate: number): BodyWatch {
  const receiving = new Set<Receiving>()
  let stopLooking: (() => void) | undefined

  function look(): void {
    const now = clock.now()
    for (const entry of receiving) {
      const { request, response, socket } = entry
      if (request.complete || request.destroyed) receiving.delete(entry)
      else if (now - entry.sinceMs >= WINDOW_MS) {
        const { bytesRead } = socket
        const isSlow = (bytesRead - entry.bytesBefore) * 1000 < minRate * (now - entry.sinceMs)
        // While some of it waits for the program, it is the program that is slow.
        if (isSlow && request.readableLength === 0) end(socket, response)
        entry.sinceMs = now
        entry.bytesBefore = bytesRead
      }
    }
  }

  function end(socket: Socket, { headersSent }: ServerResponse): void {
    ended()
    if (headersSent) socket.destroy()
    else socket.end(TIMEOUT_ANSWER, () => socket.destroy())
  }

  return {
    add(request, response) {
      if (minRate === 0 || request.complete || !hasBody(request)) return
      const { socket } = request
      const entry = { request, response, socket, sinceMs: clock.now(), bytesBefore: socket.bytesRead }
      receiving.add(entry)
      response.once('close', () => receiving.delete(entry))
    },
    start() {
      stopLooking ??= clock.every(LOOK_MS, look)
    },
    stop() {
      stopLooking?.()
      stopLooking = undefined
      receiving.clear()
    },
  }
}

/** RFC 9112 §6.3: a request without both has none. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}
