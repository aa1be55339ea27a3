import { Parser } from 'htmlparser2'
import type { IndexContent, IndexEntry } from './index-content.ts'

/**
 * A parser that takes no element for one that holds others: links need no tree, and with a stack of open elements a page made for it
 * takes time by the square of its length.
 */
class FlatParser extends Parser {
  protected override isVoidElement(): boolean {
    return true
  }
}

/**
 * Reads the links of a page in HTML as it arrives: those of `<a>` elements.
 * @param charset as the server named it; UTF-8 where it did not, or named none that exists
 */
export async function readHtmlIndex(
  body: AsyncIterable<Uint8Array>,
  charset: string | undefined,
): Promise<IndexContent> {
  const entries: IndexEntry[] = []
  let base: string | undefined
  const parser = new FlatParser({
    onopentag(name, { href }) {
      if (href === undefined) return
      if (name === 'a') entries.push({ href })
      // The first one counts, also for links before it (HTML Standard §4.2.3).
      else if (name === 'base') base ??= href
    },
  })
  const decoder = decoderOf(charset)
  for await (const chunk of body) parser.write(decoder.decode(chunk, { stream: true }))
  parser.end(decoder.decode())
  return { base, entries }
}

function decoderOf(charset = 'utf-8'): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset)
  } catch {
    return new TextDecoder()
  }
}
