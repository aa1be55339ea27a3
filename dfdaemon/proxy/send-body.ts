import type { ServerResponse } from 'node:http'

/**
 * Sends pieces as the body of a response whose headers are written. Each piece is with the kernel before the next is asked for,
 * so that a slow client costs one piece of memory and the piece may be used again. When the source fails, the connection is cut, since that is all that HTTP leaves to say after the headers.
 * @returns how many bytes were handed to the socket, and whether these were all, or the client hung up
 */
export async function sendBody(
  response: ServerResponse,
  pieces: AsyncIterable<Uint8Array>,
  options: { signal: AbortSignal },
): Promise<{ readonly sentBytes: number; readonly whole: boolean }> {
  let sentBytes = 0
  let isGone = false
  try {
    for await (const piece of pieces) {
      await new Promise<void>((resolve, reject) => {
        response.write(piece, error => {
          isGone ||= Boolean(error)
          if (error) reject(error)
          else resolve()
        })
      })
      sentBytes += piece.length
    }
    response.end()
    return { sentBytes, whole: true }
  } catch (error) {
    response.destroy()
    if (!isGone && !options.signal.aborted) throw error
    return { sentBytes, whole: false }
  }
}
