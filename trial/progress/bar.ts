import { downloadedBytes, type NodeSnapshot } from './snapshot.ts'
import { type Line, span } from './text.ts'

/** How bytes from each sender are drawn; told apart by shade too, for terminals and eyes without colour. */
export const SOURCES = [
  { field: 'peerBytes', name: 'peers', glyph: '█', style: 'green' },
  { field: 'supernodeBytes', name: 'supernode', glyph: '▓', style: 'cyan' },
  { field: 'originBytes', name: 'origin', glyph: '▒', style: 'yellow' },
] as const

/** A bar of `width` columns: filled as far as the pull is, parted by where the node's bytes came from. */
export function progressBar({ receivedBytes, imageBytes, sources }: NodeSnapshot, width: number): Line {
  const downloaded = downloadedBytes(sources)
  // Until a sender is known there is nothing to draw; the percentage beside the bar has it all the same.
  const progress = imageBytes === 0 || downloaded === 0 ? 0 : Math.min(receivedBytes / imageBytes, 1)
  const filled = Math.floor(progress * width)
  let sum = 0
  let drawn = 0
  const parts = SOURCES.map(({ field, glyph, style }) => {
    sum += sources[field]
    // Edges are rounded rather than lengths, so that the parts add up.
    const edge = downloaded === 0 ? 0 : Math.round((sum / downloaded) * filled)
    const text = glyph.repeat(edge - drawn)
    drawn = edge
    return span(text, style)
  })
  return [...parts.filter(part => part.text !== ''), span('·'.repeat(width - filled), 'dim')]
}
