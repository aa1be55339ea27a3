import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** How much of a stream is kept, in characters. */
const KEPT_CHARACTERS = 1 << 20

/** The last part of what a child process has written, bounded so that a talkative one cannot fill the memory. */
export interface OutputTail {
  /** The kept text. */
  text(): string
  /** The kept whole lines, without their line ends. */
  lines(): string[]
}

/** Collects a stream as text, keeping its last million characters; without a stream it stays empty. */
export function collectTail(stream: Readable | null, keptCharacters = KEPT_CHARACTERS): OutputTail {
  const decoder = new StringDecoder('utf8')
  let kept = ''
  stream?.on('data', (chunk: Buffer) => {
    kept += decoder.write(chunk)
    // Trimming at twice the bound keeps the copying linear.
    if (kept.length > 2 * keptCharacters) kept = kept.slice(-keptCharacters)
  })
  return {
    text: () => kept.slice(-keptCharacters),
    lines: () => kept.slice(-keptCharacters).split('\n').slice(0, -1),
  }
}
