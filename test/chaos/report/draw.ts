import { formatBytes, formatShare } from '../../../lib/terminal/format.ts'
import type { ChaosRecord } from '../run-chaos.ts'
import type { chaosJson } from './summary.ts'
import { faultLines } from './timeline.ts'

/** What a run came to, for people. */
export function drawChaos(record: ChaosRecord, json: ReturnType<typeof chaosJson>): string {
  const lost = Object.entries(json.lostBy).map(([kind, bytes]) => `${kind} ${formatBytes(bytes)}`)
  return `${[
    ...faultLines(record),
    '',
    `Seed ${json.seed}: ${json.pulls} pulls, ${json.failed} failed, ${json.wrongBytes} wrong bytes, longest stall ${json.longestStallMs} ms.`,
    `While the registry was away ${json.excused} pulls failed. ${json.fellBack} fell back to it, ${json.brokenOff} were broken off and tried again.`,
    `The origin gave ${formatBytes(json.originBytes)} for ${formatBytes(json.uniqueBytes)}; faults cost ${formatBytes(json.lostBytes)}${lost.length === 0 ? '' : ` (${lost.join(', ')})`}: ${json.originRatio} × without these.`,
    `Load average at the start: ${json.conditions.loadBefore.toFixed(2)}; other programs took ${formatShare(json.conditions.foreignCpuShare, 1)} of the processor time, for which a pull may stand still for ${json.bounds.stallMs / 1000} s and the origin give ${json.bounds.originRatio} × the bytes.`,
    json.broken.length === 0 ? 'All invariants held.' : `Broken: ${json.broken.join('; ')}`,
  ].join('\n')}\n`
}
