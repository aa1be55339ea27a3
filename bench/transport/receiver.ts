/*
 * The receiving end of a transport, a process of its own: receiver.ts TRANSPORT ADDRESS. Asked to `receive` a number of bytes it
 * fetches them over its one connection and answers with a `Reception`.
 */
import { answerParent } from '../measure/answer-parent.ts'
import { cpuSeconds } from '../measure/cpu-seconds.ts'
import type { Reception } from './reception.ts'
import type { TransportName } from './transport-names.ts'
import { loadTransport } from './ways/load-transport.ts'

const [, , name, address = ''] = process.argv
const transport = await loadTransport(name as TransportName)
const receive = await transport.connect(address)

answerParent({
  async receive(sizeBytes: number): Promise<Reception> {
    const cpuBefore = cpuSeconds()
    const startedAt = now()
    await receive(sizeBytes)
    const endedAt = now()
    return { startedAt, endedAt, cpuSeconds: cpuSeconds() - cpuBefore }
  },
})

/** Milliseconds since 1970 with fractions: a scale that all receivers share. */
function now(): number {
  return performance.timeOrigin + performance.now()
}
