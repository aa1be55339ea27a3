import { readFileSync } from 'node:fs'

/** What the processors of a machine have done since it started, in hundredths of a second. */
export interface CpuTime {
  readonly busy: number
  /** Idle time included. */
  readonly all: number
}

/**
 * Reads the first line of /proc/stat (proc(5)). Interrupts count as busy, as the packets of virtual links are moved in them, and
 * so does time that the machine did not get from its host. Waiting for a disk does not.
 */
export function parseCpuTime(stat: string): CpuTime {
  const [user = 0, nice = 0, system = 0, idle = 0, disk = 0, hard = 0, soft = 0, stolen = 0] = stat
    .slice(0, stat.indexOf('\n'))
    .split(/\s+/)
    .slice(1)
    .map(Number)
  const busy = user + nice + system + hard + soft + stolen
  return { busy, all: busy + idle + disk }
}

/** @returns to be called for the busy part of the machine's processor time since now */
export function watchCpu(): () => number {
  const before = readCpuTime()
  return () => {
    const after = readCpuTime()
    return (after.busy - before.busy) / (after.all - before.all)
  }
}

function readCpuTime(): CpuTime {
  return parseCpuTime(readFileSync('/proc/stat', 'utf8'))
}
