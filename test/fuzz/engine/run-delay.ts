import { readFileSync, readlinkSync } from 'node:fs'

/** The thread that calls, as others find it below `/proc`; undefined where there is no such thing. */
export function thisThread(): string | undefined {
  try {
    return readlinkSync('/proc/thread-self')
  } catch {
    return undefined
  }
}

/**
 * How long a thread has been ready to run without a processor, since its start (proc(5), `schedstat`): time that is the machine's, not
 * the input's. 0 where that is not known.
 */
export function runDelayMs(thread: string | undefined): number {
  if (thread === undefined) return 0
  try {
    const [, waitedNs = ''] = readFileSync(`/proc/${thread}/schedstat`, 'utf8').split(' ')
    return Number(waitedNs) / 1e6
  } catch {
    return 0
  }
}
