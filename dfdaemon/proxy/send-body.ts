import type { ServerResponse } from 'node:http'

/**
 * Sends pieces as the body of a response whose headers are written. Each piece is with the kernel before the next is asked for,
 * so that a slow client costs one piece of memory and the piece may be used again. When the source fails, the connection is cut, since that is all that HTTP leaves to say after the headers.
 * @returns how many bytes were handed to the socket
 */
export async function sendBody(
  response: ServerResponse,
  pieces: AsyncIterable<Uint8Array>,
  options: { signal: AbortSignal },
): Promise<number> {
  let sent = 0
  try {
    for await (const piece of pieces) {
      sent += piece.length
      await new Promise<void>((resolve, reject) => {
        response.write(piece, error => (error ? reject(error) : resolve()))
      })
    }
    response.end()
  } catch (error) {
    response.destroy()
    if (!options.signal.aborted) throw error
  }
  return sent
}
