import { createChildren } from '../measure/children.ts'
import type { TransportConfig } from './config.ts'
import { startReceiver, startSender } from './ends.ts'
import type { Transfer } from './transfer-speed.ts'
import type { TransportName } from './transport-names.ts'

/**
 * Measures one transport once, between two processes that have just been started.
 * @throws DamselflyError PROGRAM_FAILED when an end fails; the signal's reason
 */
export async function measureTransfer(
  name: TransportName,
  { size, warmUp }: Pick<TransportConfig, 'size' | 'warmUp'>,
  options: { signal: AbortSignal },
): Promise<Transfer> {
  await using children = createChildren(options)
  const sender = await startSender(children, name)
  const receiver = await startReceiver(children, name, sender)
  await receiver.receive(warmUp)
  // Nothing is sent between these questions but what is measured.
  const senderBefore = await sender.cpuSeconds()
  const { startedAt, endedAt, cpuSeconds } = await receiver.receive(size)
  const senderCpuSeconds = (await sender.cpuSeconds()) - senderBefore
  return { elapsedMs: endedAt - startedAt, receiverCpuSeconds: cpuSeconds, senderCpuSeconds }
}
