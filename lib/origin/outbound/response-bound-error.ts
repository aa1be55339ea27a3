/** Which bound a response went over: it was too large, came too slowly, or had too many headers. */
export type ResponseBound = 'size' | 'rate' | 'headers'

/** A response that was ended because it went over a bound. The message is a part of a sentence about its server. */
export class ResponseBoundError extends Error {
  override readonly name: string = 'ResponseBoundError'
  readonly bound: ResponseBound
  /** Of the response, where its headers are the reason. */
  readonly status: number | undefined

  constructor(bound: ResponseBound, message: string, status?: number) {
    super(message)
    this.bound = bound
    this.status = status
  }
}

/** The bound that a failure comes from, also where other errors are around it. */
export function boundOf(error: unknown): ResponseBound | undefined {
  if (error instanceof ResponseBoundError) return error.bound
  return error instanceof Error && error.cause !== undefined ? boundOf(error.cause) : undefined
}
