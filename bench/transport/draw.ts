import { formatBytes } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import { machineLine } from '../measure/machine-line.ts'
import type { transportJson } from './figures.ts'
import { TRANSPORT_NAMES } from './transport-names.ts'

/** The figures for people: a line for each transport, the ratios, and the conditions. */
export function drawTransports(json: ReturnType<typeof transportJson>): string {
  const { medians, rounds, ratioToStock, ratioToHttps, sizeBytes, warmUpBytes } = json
  const rows = TRANSPORT_NAMES.map(name => {
    const { miBps, receiverCpuSecPerGiB, senderCpuSecPerGiB } = medians[name]
    return [name, miBps.toFixed(1), receiverCpuSecPerGiB.toFixed(3), senderCpuSecPerGiB.toFixed(3)]
  })
  const sizes = `${formatBytes(sizeBytes)} after ${formatBytes(warmUpBytes)} to warm up`
  return `${[
    ...tableLines([['', 'MiB/s', 'receiver CPU s/GiB', 'sender CPU s/GiB'], ...rows]),
    '',
    `ours/stock ${ratioToStock.toFixed(3)}, ours/https ${ratioToHttps.toFixed(3)}`,
    '',
    `${sizes}, memory to memory over the loopback; medians of ${rounds.length} rounds.`,
    machineLine(json),
  ].join('\n')}\n`
}
