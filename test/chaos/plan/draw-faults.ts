import { FAULT_KINDS, type FaultKind, type MachineName, type PlannedFault, placesOf } from './fault.ts'
import type { Span } from './phases.ts'
import type { Draw } from './random.ts'

/** Whom faults can happen to. */
export interface Targets {
  readonly nodes: readonly MachineName[]
}

/** What the seed says of a fault beside its time. */
type Particulars = Pick<PlannedFault, 'target' | 'from' | 'skewMs' | 'stepBytes' | 'everyFile'>

const SECOND_MS = 1_000
const HOUR_MS = 3_600 * SECOND_MS
const KIB = 1024

/**
 * How long each lasts, in seconds. Whoever's own dfdaemon stands still can only wait, so that it stands still for half of what a pull
 * may stall; a registry that stands still is an outage.
 */
const LASTS: Readonly<Record<FaultKind, readonly [number, number]>> = {
  'supernode-kill': [1, 12],
  'dfdaemon-kill': [1, 8],
  'registry-kill': [1, 6],
  'supernode-freeze': [1, 12],
  'dfdaemon-freeze': [1, 5],
  'registry-freeze': [1, 6],
  'link-cut': [3, 15],
  'link-halve': [8, 20],
  'disk-full': [6, 15],
  'clock-skew': [12, 25],
  'supernode-clock-skew': [12, 25],
  'blocks-corrupt-running': [1, 2],
  'blocks-corrupt-stopped': [1, 3],
  'lying-peer': [15, 35],
  'silent-peer': [15, 35],
  'node-revoke': [4, 10],
  stranger: [10, 20],
}

/** Time from one fault's beginning to the next, in milliseconds, where time is short. */
const EVERY_MS: readonly [number, number] = [2 * SECOND_MS, 5 * SECOND_MS]
/** Where there is more time there is more of it between faults, so that the cluster has time to do well, too. */
const MOST_TIMES_SLOWER = 3
/** So many of each kind come before there is more time between them. */
const OF_EACH_KIND = 3

/** A killed program needs its start, which is not in the plan: its place stays its own for so long. */
const RESERVE_MS = 8 * SECOND_MS

/**
 * Draws faults that fit into a stretch of time. They overlap, but never in the same place. Each kind comes once before any comes
 * again, as far as there is time.
 */
export function drawFaults(draw: Draw, { fromMs, toMs }: Span, targets: Targets): PlannedFault[] {
  const faults: PlannedFault[] = []
  const [shortestMs, longestMs] = pausesFor(toMs - fromMs)
  let waiting: FaultKind[] = []
  for (let atMs = fromMs; ; atMs += draw.between(shortestMs, longestMs)) {
    if (waiting.length === 0) waiting = draw.shuffled(FAULT_KINDS)
    const fault = firstThatFits(draw, { waiting, atMs, toMs, targets, faults })
    if (fault === undefined) {
      if (atMs >= toMs) return faults
      continue
    }
    waiting = waiting.filter(kind => kind !== fault.kind)
    faults.push({ id: faults.length + 1, ...fault })
  }
}

function pausesFor(spanMs: number): [number, number] {
  const [shortestMs, longestMs] = EVERY_MS
  const meanMs = (shortestMs + longestMs) / 2
  const slower = Math.min(Math.max(1, spanMs / (FAULT_KINDS.length * OF_EACH_KIND) / meanMs), MOST_TIMES_SLOWER)
  return [Math.round(shortestMs * slower), Math.round(longestMs * slower)]
}

interface Moment {
  readonly waiting: readonly FaultKind[]
  readonly atMs: number
  readonly toMs: number
  readonly targets: Targets
  readonly faults: readonly PlannedFault[]
}

function firstThatFits(draw: Draw, moment: Moment): Omit<PlannedFault, 'id'> | undefined {
  for (const kind of moment.waiting) {
    const [shortest, longest] = LASTS[kind]
    const drawnMs = draw.between(shortest * SECOND_MS, longest * SECOND_MS)
    // The last ones are shorter rather than missing.
    const forMs = Math.min(drawnMs, Math.max(shortest * SECOND_MS, moment.toMs - moment.atMs))
    const fault = { kind, atMs: moment.atMs, forMs, ...particularsOf(draw, kind, moment.targets) }
    if (fault.atMs + fault.forMs <= moment.toMs && isFree({ id: 0, ...fault }, moment.faults)) return fault
  }
  return undefined
}

function isFree(fault: PlannedFault, others: readonly PlannedFault[]): boolean {
  const places = new Set(placesOf(fault))
  return others.every(
    other => other.atMs + other.forMs + RESERVE_MS <= fault.atMs || !placesOf(other).some(place => places.has(place)),
  )
}

function particularsOf(draw: Draw, kind: FaultKind, { nodes }: Targets): Particulars {
  const node = draw.oneOf(nodes)
  const keeper = draw.oneOf([...nodes, 'supernode'])
  switch (kind) {
    case 'supernode-kill':
    case 'supernode-freeze':
      return { target: 'supernode' }
    case 'registry-kill':
    case 'registry-freeze':
      return { target: 'registry' }
    case 'dfdaemon-kill':
    case 'dfdaemon-freeze':
    case 'node-revoke':
      return { target: node }
    case 'link-cut':
      return cutOf(draw, nodes)
    case 'link-halve':
      return { target: draw.oneOf([...nodes, 'supernode', 'registry']) }
    case 'disk-full':
      return { target: keeper }
    case 'clock-skew':
      return { target: node, skewMs: draw.oneOf([HOUR_MS, -HOUR_MS]) }
    case 'supernode-clock-skew':
      return { target: 'supernode', skewMs: draw.oneOf([HOUR_MS, -HOUR_MS]) }
    case 'blocks-corrupt-running':
    case 'blocks-corrupt-stopped':
      return { target: keeper, stepBytes: draw.oneOf([64, 128, 1024]) * KIB, everyFile: draw.between(1, 4) }
    case 'lying-peer':
      return { target: 'lying-peer' }
    case 'silent-peer':
      return { target: 'silent-peer' }
    case 'stranger':
      return { target: 'stranger' }
  }
}

/** Two that do not reach each other, or one that reaches nobody but the registry. */
function cutOf(draw: Draw, nodes: readonly MachineName[]): Particulars {
  const [target = '', other = '', ...others] = draw.shuffled(nodes)
  return draw.oneOf<Particulars>([
    { target, from: [other] },
    { target, from: ['supernode'] },
    { target, from: [other, ...others, 'supernode'] },
    { target: 'supernode', from: nodes },
  ])
}
