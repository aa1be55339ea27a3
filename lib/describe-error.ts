/** What may be said of an error. Other properties may hold anything: headers of a request, the URL that was not one. */
export interface DescribedError {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: DescribedError
  /** The parts of an AggregateError, the first few. */
  readonly errors?: readonly DescribedError[]
}

const MAX_DEPTH = 5
const MAX_PARTS = 5

/** An error, or whatever else was thrown, for logs and for the last words of a program. What is no error is named by its type only. */
export function describeError(thrown: unknown, depth = 0): DescribedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: 'something other than an error was thrown' }
  const { name, message, stack, cause } = thrown
  const { code } = thrown as NodeJS.ErrnoException
  const deeper = depth < MAX_DEPTH
  return {
    type: name,
    message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(stack === undefined ? {} : { stack }),
    ...(deeper && cause instanceof Error ? { cause: describeError(cause, depth + 1) } : {}),
    ...(deeper && thrown instanceof AggregateError
      ? { errors: thrown.errors.slice(0, MAX_PARTS).map(each => describeError(each, depth + 1)) }
      : {}),
  }
}
