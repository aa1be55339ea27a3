import { formatBytes, formatElapsed, formatShare } from '../../lib/terminal/format.ts'
import type { swarmJson } from './figures.ts'

/** The figures for people: a line for each node, then how they compare with the bound and with pulls from the registry. */
export function drawSwarm(json: ReturnType<typeof swarmJson>): string {
  const { conditions, bitsPerSecond, cpuSeconds } = json
  const rows = [
    ['node', 'first byte', 'done', '÷ bound', 'from peers', 'from supernode', 'from origin'],
    ...json.nodes.map((node, index) => [
      `${index + 1}`,
      ...[node.firstByteMs, node.doneMs].map(formatElapsed),
      (node.doneMs / json.boundMs).toFixed(3),
      ...[node.peerBytes, node.supernodeBytes, node.originBytes].map(bytes => formatBytes(bytes ?? Number.NaN)),
    ]),
  ]
  const machine = `${conditions.cpus} × ${conditions.cpuModel}, Node ${conditions.node}`
  const busy = `${formatShare(json.cpuShare, 1)} busy while the swarm pulled${json.cpuBound ? ', which set the pace' : ''}`
  return `${[
    ...rows.map(cells => cells.map((cell, column) => cell.padStart(column === 0 ? 4 : 16)).join('')),
    '',
    `The bound is ${formatElapsed(json.boundMs)} (${json.boundBy}); the last node took ${json.maxRatio} × that.`,
    `From the registry the same nodes took ${formatElapsed(json.directMs)}: the swarm took ${json.directRatio} × that.`,
    `The registry gave ${json.originRatio} copies, the supernode ${json.supernodeEgressRatio}; ${formatShare(json.duplicateBlockRatio, 1)} was sent twice.`,
    `Control messages for each node: ${json.controlMessagesPerPeer}; scheduler: ${json.schedulerCpuMsPerPeer} ms for each node.`,
    `Image of ${formatBytes(json.imageBytes)} in ${json.layers} layers. Links: ${linkText(bitsPerSecond)}.`,
    `TCP (${json.congestionControl}) got ${json.linkMbps} of ${json.payloadMbps} Mbit/s of payload.`,
    `${machine}: ${busy}; dfdaemons ${cpuSeconds.dfdaemons} s, clients ${cpuSeconds.clients} s, supernode ${cpuSeconds.supernode} s.`,
    `Load average at the start: ${conditions.loadBefore.toFixed(2)}; other programs took ${formatShare(conditions.foreignCpuShare, 1)} of the processor time.`,
  ].join('\n')}\n`
}

function linkText({ node, supernode, registry }: Readonly<Record<'node' | 'supernode' | 'registry', number>>): string {
  const named = { 'each node': node, supernode, registry }
  return Object.entries(named)
    .map(([name, rate]) => `${name} ${rate / 1e6} Mbit/s`)
    .join(', ')
}
