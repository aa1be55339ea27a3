import { withSignal } from './with-signal.ts'

/** What a source gives, until the signal aborts, also while the source is silent. The source is left as it is. @throws the signal's reason */
export async function* untilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  for (;;) {
    const next = await withSignal(iterator.next(), signal)
    if (next.done === true) return
    yield next.value
  }
}
