import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

/** The machine under a measurement, without which its figures say little. */
export interface Conditions {
  readonly node: string
  readonly cpus: number
  readonly cpuModel: string
  /** Load average of the last minute when the benchmark began. */
  readonly loadBefore: number
  /** Part of the machine's processor time that other programs took meanwhile; they slow down what is measured. */
  readonly foreignCpuShare: number
}

/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock (proc(5), `USER_HZ`). */
const MS_PER_TICK = 10

/**
 * Watches the machine from now on.
 * @returns to be called when the programs of the benchmark have ended: only then is their processor time known for theirs
 */
export function watchMachine(): () => Conditions {
  const [loadBefore = 0] = loadavg()
  const before = readCpuTimes()
  return () => {
    const after = readCpuTimes()
    const foreignMs = after.busyMs - before.busyMs - (after.ownMs - before.ownMs)
    const processors = cpus()
    return {
      node: process.version,
      cpus: processors.length,
      cpuModel: processors[0]?.model ?? 'unknown',
      loadBefore,
      foreignCpuShare: Math.max(0, foreignMs / (after.allMs - before.allMs)),
    }
  }
}

interface CpuTimes {
  /** Of this process and its children that have ended. */
  readonly ownMs: number
  /** Of everything that ran. */
  readonly busyMs: number
  /** Idle time included. */
  readonly allMs: number
}

function readCpuTimes(): CpuTimes {
  const times = cpus().map(({ times: { idle, user, nice, sys, irq } }) => ({ idle, busy: user + nice + sys + irq }))
  const busyMs = times.reduce((sum, { busy }) => sum + busy, 0)
  const idleMs = times.reduce((sum, { idle }) => sum + idle, 0)
  return { ownMs: ownTicks(readFileSync('/proc/self/stat', 'utf8')) * MS_PER_TICK, busyMs, allMs: busyMs + idleMs }
}

/** utime, stime, cutime and cstime of proc(5). The name before them, in parentheses, may hold anything. */
function ownTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}
