import { formatBytes } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import { machineLine } from '../measure/machine-line.ts'
import type { smallFileJson } from './figures.ts'

/** The figures for people: how long both ways took, and the conditions. */
export function drawSmallFiles(json: ReturnType<typeof smallFileJson>): string {
  const ms = (values: readonly number[]) => values.map(value => value.toFixed(2))
  return `${[
    ...tableLines([
      ['ms', 'median', '95 %', 'max'],
      ['through dfdaemon and supernode', ...ms([json.medianMs, json.p95Ms, json.maxMs])],
      ['straight from the registry', ...ms([json.directMedianMs, json.directP95Ms, json.directMaxMs])],
    ]),
    '',
    `The first pull of all through the dfdaemon took ${json.firstMs.toFixed(2)} ms.`,
    `${json.blobs} blobs of ${formatBytes(json.sizeBytes)} over the loopback, one after the other.`,
    machineLine(json),
  ].join('\n')}\n`
}
