import { DamselflyError, type ErrorCode } from '../../protocol/errors.ts'

/** Most bytes of an origin's error body that are kept. */
export const ORIGIN_BODY_LIMIT_BYTES = 64 * 1024

/** What an origin answered, for those who hand its answer on. */
export interface OriginAnswer {
  readonly originStatus?: number | undefined
  /** Lower-case names; only headers that explain the failure. */
  readonly originHeaders?: Readonly<Record<string, string>> | undefined
  /** The beginning of the body, at most {@link ORIGIN_BODY_LIMIT_BYTES}. */
  readonly originBody?: Uint8Array | undefined
}

/** An origin's answer that is a failure. Headers and body are not enumerable, so that logging the error leaves them out. */
export class OriginError extends DamselflyError implements OriginAnswer {
  override readonly name: string = 'OriginError'
  readonly originStatus: number | undefined
  readonly #headers: Readonly<Record<string, string>> | undefined
  readonly #body: Uint8Array | undefined

  constructor(code: ErrorCode, detail: string, answer: OriginAnswer = {}, options?: ErrorOptions) {
    super(code, detail, options)
    this.originStatus = answer.originStatus
    this.#headers = answer.originHeaders
    this.#body = answer.originBody
  }

  get originHeaders(): Readonly<Record<string, string>> | undefined {
    return this.#headers
  }

  get originBody(): Uint8Array | undefined {
    return this.#body
  }
}
