/*
 * The sending end of a transport, a process of its own: sender.ts TRANSPORT. Asked for its `address` it says where it serves;
 * asked for its `cpuSeconds`, how much processor time it has taken so far.
 */
import { answerParent } from '../measure/answer-parent.ts'
import { cpuSeconds } from '../measure/cpu-seconds.ts'
import type { TransportName } from './transport-names.ts'
import { loadTransport } from './ways/load-transport.ts'

const transport = await loadTransport(process.argv[2] as TransportName)

answerParent({ address: () => transport.serve(), cpuSeconds })
