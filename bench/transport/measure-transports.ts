import { watchMachine } from '../conditions.ts'
import { readCommit } from '../measure/commit.ts'
import type { TransportConfig } from './config.ts'
import type { Round, TransportFigures } from './figures.ts'
import { measureTransfer } from './measure-transfer.ts'
import type { Transfer } from './transfer-speed.ts'
import { TRANSPORT_NAMES, type TransportName } from './transport-names.ts'

/**
 * Measures the transports in turn, round after round, each time between two processes that have just been started.
 * @param heard is told the number of rounds that are done
 * @throws DamselflyError PROGRAM_FAILED when an end fails; the signal's reason
 */
export async function measureTransports(
  { size, warmUp, rounds }: TransportConfig,
  heard: (rounds: number) => void,
  options: { signal: AbortSignal },
): Promise<TransportFigures> {
  const commit = readCommit()
  const conditions = watchMachine()
  const done: Round[] = []
  while (done.length < rounds) {
    const transfers: [TransportName, Transfer][] = []
    for (const name of TRANSPORT_NAMES) transfers.push([name, await measureTransfer(name, { size, warmUp }, options)])
    done.push(Object.fromEntries(transfers) as unknown as Round)
    heard(done.length)
  }
  return { rounds: done, sizeBytes: size, warmUpBytes: warmUp, commit, conditions: conditions() }
}
