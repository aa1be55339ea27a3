import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { parseContentRange } from '../../../protocol/range.ts'
import type { Clock } from '../../clock.ts'
import { ResponseBoundError } from './response-bound-error.ts'

/** How much of an answer is taken, and in what time. */
export interface ResponseBounds {
  /** From the moment at which the request is sent to the end of the headers; 0 for no end. */
  readonly headersTimeoutMs: number
  /** Largest content, of which a response may be a part. */
  readonly maxBytes: number
  /** Of the body, while its reader waits; 0 for no such bound. */
  readonly leastBytesPerSecond: number
}

/** Over how long the rate of a body is looked at, and how often within that. */
const WINDOW_MS = 30_000
const LOOKS_PER_WINDOW = 6
/** Registries send some 30. */
const HEADERS_MAX = 200

/**
 * Ends responses that go over a bound, for the requests of a dispatcher: `dispatcher.compose(boundedResponses(…))`. They fail with a
 * {@link ResponseBoundError}; headers that do not come in time fail as with undici's own timeout.
 */
export function boundedResponses(clock: Clock, bounds: ResponseBounds): Dispatcher.DispatcherComposeInterceptor {
  return dispatch => (options, handler) => dispatch(options, new BoundedHandler(clock, bounds, handler))
}

class BoundedHandler implements Dispatcher.DispatchHandler {
  readonly #clock: Clock
  readonly #bounds: ResponseBounds
  readonly #handler: Dispatcher.DispatchHandler
  #stopWatching = (): void => {}
  #bytes = 0
  #windowBytes = 0
  #looks = 0

  constructor(clock: Clock, bounds: ResponseBounds, handler: Dispatcher.DispatchHandler) {
    this.#clock = clock
    this.#bounds = bounds
    this.#handler = handler
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    const { headersTimeoutMs } = this.#bounds
    this.#stopWatching()
    if (headersTimeoutMs > 0) {
      // undici's own timeout begins anew with each interim response.
      const late = Object.assign(new Error('no headers in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' })
      this.#stopWatching = this.#clock.after(headersTimeoutMs, () => controller.abort(late))
    }
    this.#handler.onRequestStart?.(controller, context)
  }

  onRequestUpgrade(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestUpgrade']>>): void {
    this.#stopWatching()
    this.#handler.onRequestUpgrade?.(...args)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (status >= 200) {
      this.#stopWatching()
      const misfit = this.#misfitOf(status, headers)
      if (misfit !== undefined) {
        controller.abort(misfit)
        return
      }
      if (this.#bounds.leastBytesPerSecond > 0) {
        const lookMs = WINDOW_MS / LOOKS_PER_WINDOW
        this.#stopWatching = this.#clock.every(lookMs, () => this.#look(controller))
      }
    }
    this.#handler.onResponseStart?.(controller, status, headers, statusText)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    this.#windowBytes += chunk.length
    if (this.#bytes > this.#bounds.maxBytes) controller.abort(tooLarge(this.#bounds.maxBytes))
    else this.#handler.onResponseData?.(controller, chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    this.#stopWatching()
    this.#handler.onResponseEnd?.(controller, trailers)
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#stopWatching()
    this.#handler.onResponseError?.(controller, error)
  }

  /** A response is paused while its reader has enough: then it is not the server that is slow. */
  #look(controller: Dispatcher.DispatchController): void {
    this.#looks = controller.paused ? 0 : this.#looks + 1
    if (this.#looks === LOOKS_PER_WINDOW && this.#windowBytes < (this.#bounds.leastBytesPerSecond * WINDOW_MS) / 1000) {
      const said = `sent ${this.#windowBytes} bytes in ${WINDOW_MS / 1000} s`
      controller.abort(new ResponseBoundError('rate', `${said}, less than outbound.leastBytesPerSecond wants`))
    }
    if (this.#looks % LOOKS_PER_WINDOW !== 0) return
    this.#looks = 0
    this.#windowBytes = 0
  }

  #misfitOf(status: number, headers: IncomingHttpHeaders): ResponseBoundError | undefined {
    const count = Object.values(headers).reduce((sum, value) => sum + (Array.isArray(value) ? value.length : 1), 0)
    if (count > HEADERS_MAX) return new ResponseBoundError('headers', `sent more than ${HEADERS_MAX} headers`, status)
    const { maxBytes } = this.#bounds
    return announcedBytes(headers) > maxBytes ? tooLarge(maxBytes, status) : undefined
  }
}

/** The length of the whole content, as far as the headers tell. */
function announcedBytes(headers: IncomingHttpHeaders): number {
  const length = Number(headers['content-length'] ?? 0)
  return Math.max(length, parseContentRange(headers['content-range'])?.sizeBytes ?? 0)
}

function tooLarge(maxBytes: number, status?: number): ResponseBoundError {
  return new ResponseBoundError('size', `has content of more than the ${maxBytes} bytes of outbound.maxBytes`, status)
}
