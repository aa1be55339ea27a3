import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Clock } from '../../lib/clock.ts'

/** One event of a stream (HTML standard, "Server-sent events"). */
export interface ServerSentEvent {
  readonly id: string
  readonly event: string
  /** Sent as JSON. */
  readonly data: object
}

/** Shorter than the silence after which proxies give a connection up. */
const KEEP_ALIVE_MS = 15_000
/** A client that has taken nothing for so many keep-alives has gone. */
const MAX_UNTAKEN = 4

/**
 * Answers with events until there are no more of them, or the client goes. The next one is asked for when the client has taken the last.
 * @param eventsUntil makes the events; its signal aborts when the client has gone
 * @throws what the events throw, when the client is still there; the answer is broken off then
 */
export async function answerWithEvents(
  response: ServerResponse,
  eventsUntil: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>,
  { clock }: { readonly clock: Pick<Clock, 'every'> },
): Promise<void> {
  const gone = new AbortController()
  const hungUp = () => gone.abort(new Error('the client hung up'))
  response.once('close', hungUp)
  if (response.closed) hungUp()
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  let untaken = 0
  response.on('drain', () => {
    untaken = 0
  })
  const stopKeepAlive = clock.every(KEEP_ALIVE_MS, () => {
    if (!response.writableNeedDrain) response.write(': keep-alive\n\n')
    else if (++untaken >= MAX_UNTAKEN) response.destroy()
  })
  try {
    for await (const event of eventsUntil(gone.signal)) {
      if (!response.write(textOf(event))) await once(response, 'drain', { signal: gone.signal })
    }
    response.end()
  } catch (error) {
    if (gone.signal.aborted) return
    response.destroy()
    throw error
  } finally {
    stopKeepAlive()
  }
}

/** JSON has no line breaks, so there is one line of data. */
function textOf({ id, event, data }: ServerSentEvent): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
