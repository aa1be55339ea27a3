import { createInterrupt, Interrupted } from '../trial/interrupt.ts'

/** Runs a benchmark. Ctrl-C ends it in order, without words, with the exit code that shells expect. */
export async function untilInterrupted(work: (options: { signal: AbortSignal }) => Promise<void>): Promise<void> {
  using interrupt = createInterrupt()
  try {
    await work(interrupt)
  } catch (error) {
    const { reason } = interrupt.signal
    // The programs of the benchmark hear the terminal's Ctrl-C too; that they ended then is no failure.
    if (!(reason instanceof Interrupted)) throw error
    process.exitCode = reason.exitCode
  }
}
