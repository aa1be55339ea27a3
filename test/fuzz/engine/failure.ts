import { DamselflyError } from '../../../protocol/errors.ts'

/** How a target fails: by what it throws, by the time that an input takes, by taking all memory, by what it keeps. */
export type FailureKind = 'threw' | 'slow' | 'memory' | 'growth'

/** A failure that was found. */
export interface Failure {
  readonly kind: FailureKind
  /** The same for inputs that fail in the same way. */
  readonly signature: string
  /** For people. */
  readonly text: string
  /** Undefined where no single input is to blame. */
  readonly input: Uint8Array | undefined
}

/** The failure of an input that threw. */
export function failureOf(thrown: unknown, input: Uint8Array): Failure {
  const error = thrown instanceof Error ? thrown : new Error(`threw ${String(thrown)}`)
  const code = error instanceof DamselflyError ? error.code : (error as NodeJS.ErrnoException).code
  const place = placeOf(error)
  // Numbers and quoted texts of a message come from the input.
  const message = error.message
    .split('\n', 1)[0]
    ?.replace(/\d+|".*?"|'.*?'/g, '…')
    .slice(0, 80)
  const signature = [error.name, code, place ?? message].filter(part => part !== undefined).join(' ')
  return { kind: 'threw', signature, text: error.stack ?? error.message, input }
}

/** Where in our code it was thrown: the first line of the stack that is not in a package or in Node. */
function placeOf({ stack = '' }: Error): string | undefined {
  const line = stack.split('\n').find(text => text.includes('file://') && !text.includes('/node_modules/'))
  return /([\w-]+\.ts:\d+)/.exec(line ?? '')?.[1]
}
