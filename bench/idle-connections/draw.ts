import { formatBytes } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import { machineLine } from '../measure/machine-line.ts'
import type { idleConnectionsJson } from './figures.ts'

/** The figures for people. */
export function drawIdleConnections(json: ReturnType<typeof idleConnectionsJson>): string {
  const row = (name: string, alone: number, burdened: number, ratio: number | undefined) => [
    name,
    alone.toFixed(1),
    burdened.toFixed(1),
    ratio === undefined ? '' : ratio.toFixed(3),
  ]
  return `${[
    ...tableLines([
      ['', 'alone', 'beside the others', 'ratio'],
      row('from the registry, MiB/s', json.aloneColdMiBps, json.burdenedColdMiBps, json.ratioCold),
      row('from the store, MiB/s', json.aloneWarmMiBps, json.burdenedWarmMiBps, json.ratioWarm),
      row('memory of the dfdaemon, MiB', json.aloneRssMiB, json.burdenedRssMiB, undefined),
    ]),
    '',
    `Blobs of ${formatBytes(json.sizeBytes)}, medians of ${json.rounds.length} rounds, beside ${json.idle} idle connections and ${3 * json.slow} slow ones.`,
    `At least ${json.leastOpen} were open beside the pulls; the dfdaemon ended ${json.ended}, which were opened again.`,
    machineLine(json),
  ].join('\n')}\n`
}
