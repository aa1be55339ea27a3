import type { Child, Children } from '../measure/children.ts'
import type { Reception } from './reception.ts'
import type { TransportName } from './transport-names.ts'

/** A process that sends. */
export interface Sender {
  readonly pid: number
  /** Where it serves, for `startReceiver`. */
  readonly address: string
  /** Processor time that it has taken so far. */
  cpuSeconds(): Promise<number>
}

/** A process that receives. */
export interface Receiver {
  /** Fetches bytes over its one connection. Calls must not overlap. */
  receive(sizeBytes: number): Promise<Reception>
}

const SENDER = new URL('sender.ts', import.meta.url)
const RECEIVER = new URL('receiver.ts', import.meta.url)
const ANSWER_TIMEOUT_MS = 60_000
/** Slower than this, in all, it has failed. */
const MIN_BYTES_PER_MS = 1024

/** Starts a process that serves. @throws as `Child.ask` does; its other calls do, too */
export async function startSender(children: Children, transport: TransportName): Promise<Sender> {
  const child = await children.start(`the sender of ${transport}`, SENDER, transport)
  const ask = <Answered>(question: string) => child.ask<Answered>(question, { timeoutMs: ANSWER_TIMEOUT_MS })
  return { pid: child.pid, address: await ask<string>('address'), cpuSeconds: () => ask<number>('cpuSeconds') }
}

/**
 * Starts a process that connects to a sender.
 * @param peers how many receive at the same time; they share the machine
 * @throws as `Child.ask` does; its other calls do, too
 */
export async function startReceiver(
  children: Children,
  transport: TransportName,
  { address }: Pick<Sender, 'address'>,
  { label = `the receiver of ${transport}`, peers = 1 } = {},
): Promise<Receiver> {
  const child: Child = await children.start(label, RECEIVER, transport, address)
  return {
    receive(sizeBytes) {
      const timeoutMs = ANSWER_TIMEOUT_MS + (peers * sizeBytes) / MIN_BYTES_PER_MS
      return child.ask<Reception>('receive', { argument: sizeBytes, timeoutMs })
    },
  }
}
