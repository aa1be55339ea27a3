import { formatBytes, formatElapsed, formatShare } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import { machineLine } from '../measure/machine-line.ts'
import type { preheatJson } from './figures.ts'

/** The figures for people: a line for each round, what they come to, and the conditions. */
export function drawPreheat(json: ReturnType<typeof preheatJson>): string {
  const { nodes, imageBytes, pulledBytes, bitsPerSecond } = json
  const busy = `${formatShare(json.cpuShare, 1)} busy during the preheat${json.cpuBound ? ', which set the pace' : ''}`
  const size = `${formatBytes(imageBytes)} in ${json.layers} layers`
  return `${[
    ...tableLines([
      [
        'round',
        'first preheat',
        'second preheat',
        'pulls after it',
        'from the registry',
        'a pull alone',
        'during a preheat',
      ],
      ...json.rounds.map(({ firstPreheatMs, preheatMs, pullsMs, directMs, aloneMs, duringMs }, index) => [
        `${index + 1}`,
        ...[firstPreheatMs, preheatMs, pullsMs, directMs, aloneMs, duringMs].map(formatElapsed),
      ]),
    ]),
    '',
    `The bound is ${formatElapsed(json.boundMs)} (${json.boundBy}); a preheat took ${json.ratioPreheatToBound} × that, the first one after the programs were started ${json.ratioFirstPreheatToBound} ×.`,
    `The registry gave ${json.ratioOriginToImage} copies, and ${formatBytes(json.pulledOriginBytes)} to the pulls after it.`,
    `${nodes} pulls at once after a preheat took ${json.ratioPullsToRegistry} × the time of ${nodes} from a docker-registry on one machine.`,
    `A pull during a preheat of something else had ${json.ratioDuringToAlone} × the speed that it has alone: ${json.duringMiBps} of ${json.aloneMiBps} MiB/s.`,
    '',
    `Preheated to ${nodes} nodes: ${size}; pulled meanwhile: ${formatBytes(pulledBytes)}; medians of ${json.rounds.length} rounds.`,
    `Links: ${bitsPerSecond.node / 1e6} Mbit/s each; TCP got ${json.linkMbps} Mbit/s of payload. The machine was ${busy}.`,
    machineLine(json),
  ].join('\n')}\n`
}
