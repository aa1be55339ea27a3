import { peakMemoryBytes } from '../../test/helpers/peak-memory.ts'
import { watchMachine } from '../conditions.ts'
import { createChildren } from '../measure/children.ts'
import { readCommit } from '../measure/commit.ts'
import { startReceiver, startSender } from '../transport/ends.ts'
import type { FanoutConfig } from './config.ts'
import type { FanoutFigures } from './figures.ts'

/** Moved to each receiver before, so that all are connected and the code is compiled. */
const WARM_UP_BYTES = 16 * 1024 * 1024

interface Options {
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

/**
 * Measures one process that serves many at once by our block exchange.
 * @throws DamselflyError PROGRAM_FAILED when one of them fails; the signal's reason
 */
export async function measureFanout(config: FanoutConfig, { heard, signal }: Options): Promise<FanoutFigures> {
  const commit = readCommit()
  const conditions = watchMachine()
  const measured = await measure(config, heard, { signal })
  return { ...measured, sizeBytes: config.size, commit, conditions: conditions() }
}

async function measure({ peers, size }: FanoutConfig, heard: Options['heard'], options: { signal: AbortSignal }) {
  await using children = createChildren(options)
  const sender = await startSender(children, 'ours')
  const labels = Array.from({ length: peers }, (_, index) => `receiver ${index + 1}`)
  const receivers = await Promise.all(labels.map(label => startReceiver(children, 'ours', sender, { label, peers })))
  await Promise.all(receivers.map(receiver => receiver.receive(WARM_UP_BYTES)))
  heard(`${peers} receivers are connected`)
  const senderBefore = await sender.cpuSeconds()
  const receptions = await Promise.all(receivers.map(receiver => receiver.receive(size)))
  const senderCpuSeconds = (await sender.cpuSeconds()) - senderBefore
  return { receptions, senderCpuSeconds, senderPeakBytes: await peakMemoryBytes(sender.pid) }
}
