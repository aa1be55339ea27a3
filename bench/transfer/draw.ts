import { formatBytes } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import { machineLine } from '../measure/machine-line.ts'
import type { transferJson } from './figures.ts'

/** The figures for people: speeds and what they cost, the ratios, and the conditions. */
export function drawTransfers(json: ReturnType<typeof transferJson>): string {
  const { sizeBytes, blockSizeBytes, rounds } = json
  const cpu = (receiver: number, sender: number) => [receiver.toFixed(3), sender.toFixed(3)]
  return `${[
    ...tableLines([
      ['', 'MiB/s', 'receiver CPU s/GiB', 'sender CPU s/GiB'],
      ['both stores in memory', json.tmpfsMiBps.toFixed(1), ...cpu(json.receiverCpuSecPerGiB, json.senderCpuSecPerGiB)],
      [
        'the receiver on the disk',
        json.diskMiBps.toFixed(1),
        ...cpu(json.diskReceiverCpuSecPerGiB, json.diskSenderCpuSecPerGiB),
      ],
      ['the transport alone', json.transportMiBps.toFixed(1)],
      ['the disk alone', json.diskWriteLimitMiBps.toFixed(1)],
    ]),
    '',
    `memory/transport ${json.ratioTmpfsToTransport.toFixed(3)}, disk/disk alone ${json.ratioDiskToLimit.toFixed(3)}`,
    `Before the sync the receiver had stored ${json.diskUnsyncedMiBps.toFixed(1)} MiB/s, the disk alone ${json.diskWriteLimitUnsyncedMiBps.toFixed(1)}.`,
    `Peak memory of a peer: ${json.rssPeakMiB.toFixed(1)} MiB.`,
    '',
    `${formatBytes(sizeBytes)} in blocks of ${formatBytes(blockSizeBytes)} over the loopback; medians of ${rounds.length} rounds.`,
    machineLine(json),
  ].join('\n')}\n`
}
