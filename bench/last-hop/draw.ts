import { formatBytes } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import { machineLine } from '../measure/machine-line.ts'
import type { lastHopJson } from './figures.ts'

/** The figures for people: speeds and what they cost the dfdaemon, the ratio, and the conditions. */
export function drawLastHop(json: ReturnType<typeof lastHopJson>): string {
  return `${[
    ...tableLines([
      ['', 'MiB/s', 'dfdaemon CPU s/GiB'],
      ['cold', json.coldMiBps.toFixed(1), json.coldCpuSecPerGiB.toFixed(3)],
      ['warm', json.warmMiBps.toFixed(1), json.warmCpuSecPerGiB.toFixed(3)],
      ['warm after a restart', json.warmAfterRestartMiBps.toFixed(1)],
      ['the transport alone', json.transportMiBps.toFixed(1)],
    ]),
    '',
    `cold/transport ${json.ratioColdToTransport.toFixed(3)}`,
    '',
    `A layer of ${formatBytes(json.sizeBytes)} over the loopback; medians of ${json.rounds.length} rounds.`,
    machineLine(json),
  ].join('\n')}\n`
}
