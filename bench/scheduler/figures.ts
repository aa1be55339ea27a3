import { formatBytes } from '../../lib/terminal/format.ts'
import type { Conditions } from '../conditions.ts'
import type { Lap } from './stopwatch.ts'
import { BLOCKS_PER_MESSAGE, EVENT_KINDS, type EventKind } from './workload.ts'

/** What was measured. */
export interface SchedulerFigures {
  readonly peers: number
  readonly blocks: number
  readonly laps: Readonly<Record<EventKind, Lap>>
  /** Memory for each member at the end, without the bits of its bitfield. */
  readonly bytesPerMember: number
  readonly bitfieldBytesPerMember: number
  readonly conditions: Conditions
}

/** The figures for programs: events a second of processor time, by kind and over all, and memory. */
export function schedulerJson({ laps, conditions, ...rest }: SchedulerFigures) {
  const { count, cpuMs } = totalOf(laps)
  return {
    ...rest,
    bytesPerMember: Math.round(rest.bytesPerMember),
    bitfieldBytesPerMember: Math.round(rest.bitfieldBytesPerMember),
    eventsPerSecond: perSecond({ count, cpuMs }),
    perSecond: Object.fromEntries(EVENT_KINDS.map(kind => [kind, perSecond(laps[kind])])),
    events: count,
    cpuMs: Math.round(cpuMs),
    conditions: { ...conditions, foreignCpuShare: Number(conditions.foreignCpuShare.toFixed(3)) },
  }
}

/** The figures for people: a line for each kind of event, memory, and the conditions. */
export function drawScheduler(figures: SchedulerFigures): string {
  const { peers, blocks, laps, bytesPerMember, bitfieldBytesPerMember, conditions } = figures
  const rows: [string, Lap][] = [
    ...EVENT_KINDS.map(kind => [kind, laps[kind]] as [string, Lap]),
    ['all', totalOf(laps)],
  ]
  const others = `other programs took ${Math.round(conditions.foreignCpuShare * 100)} % of the processor time`
  return `${[
    row('', 'events', 'CPU ms', 'events/s'),
    ...rows.map(([name, lap]) => row(name, `${lap.count}`, `${Math.round(lap.cpuMs)}`, `${perSecond(lap)}`)),
    '',
    `${peers} members, ${blocks} blocks, ${BLOCKS_PER_MESSAGE} blocks in a message; one thread.`,
    `Memory for each member: ${formatBytes(bytesPerMember)}, and ${formatBytes(bitfieldBytesPerMember)} of bitfield.`,
    `${conditions.cpus} × ${conditions.cpuModel}, Node ${conditions.node}. Load average at the start: ${conditions.loadBefore.toFixed(2)}; ${others}.`,
  ].join('\n')}\n`
}

function totalOf(laps: SchedulerFigures['laps']): Lap {
  const all = Object.values(laps)
  return {
    count: all.reduce((sum, { count }) => sum + count, 0),
    cpuMs: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  }
}

function perSecond({ count, cpuMs }: Lap): number {
  return Math.round((count / cpuMs) * 1000)
}

function row(name: string, ...cells: string[]): string {
  return name.padEnd(8) + cells.map(cell => cell.padStart(12)).join('')
}
