import type { Figures } from './figures.ts'

const LABELS: readonly (readonly [string, string])[] = [
  ['boundMs', 'physical limit, ms'],
  ['boundBy', 'set by'],
  ['p50Ratio', 'half of the nodes, × limit'],
  ['p99Ratio', '99 % of the nodes'],
  ['p999Ratio', '99.9 % of the nodes'],
  ['maxRatio', 'the last node'],
  ['originRatio', 'read from the origin, × size'],
  ['supernodeEgressRatio', 'sent by the supernode, × size'],
  ['crossZoneRatio', 'sent into zones, × size'],
  ['duplicateBlockRatio', 'sent in vain, share'],
  ['controlMessagesPerPeer', 'control messages per node'],
  ['schedulerCpuMsPerPeer', 'scheduler CPU per node, ms'],
  ['schedulerEventsPerSecond', 'scheduler events a second'],
  ['schedulerBytesPerPeer', 'scheduler memory per node, bytes'],
  ['recordedP50Ratio', 'recorded: half of the nodes'],
  ['recordedMaxRatio', 'recorded: the last node'],
  ['wallMs', 'simulated in, ms'],
]

/** The figures for people; those of a recording are there only in a replay. */
export function drawFigures(figures: Figures): string {
  const values = new Map<string, unknown>(Object.entries(figures))
  const shown = LABELS.filter(([key]) => values.has(key))
  const width = Math.max(...shown.map(([, label]) => label.length))
  const lines = shown.map(([key, label]) => `  ${label.padEnd(width)}  ${values.get(key)}\n`)
  return `${figures.scenario}, ${figures.peers} nodes, ${figures.blocks} blocks, seed ${figures.seed}\n${lines.join('')}`
}
