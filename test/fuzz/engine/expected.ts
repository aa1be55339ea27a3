import { DamselflyError, type ErrorCode } from '../../../protocol/errors.ts'

/** Runs a reader that may refuse its input with these codes. @returns undefined when it does @throws everything else */
export function refusing<T>(codes: readonly ErrorCode[], read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DamselflyError && codes.includes(error.code)) return undefined
    throw error
  }
}

/** The same for a reader that takes its time. */
export async function refusingLater<T>(codes: readonly ErrorCode[], read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof DamselflyError && codes.includes(error.code)) return undefined
    throw error
  }
}

/** Input as the bytes of a header field or of a URL arrive: each a character. */
export function asLatin1(input: Uint8Array): string {
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('latin1')
}

/** Input as the text of a file. */
export function asUtf8(input: Uint8Array): string {
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('utf8')
}
