/** Everything that the plan can do to a cluster. */
export const FAULT_KINDS = [
  'supernode-kill',
  'dfdaemon-kill',
  'registry-kill',
  'supernode-freeze',
  'dfdaemon-freeze',
  'registry-freeze',
  'link-cut',
  'link-halve',
  'disk-full',
  'clock-skew',
  'supernode-clock-skew',
  'blocks-corrupt-running',
  'blocks-corrupt-stopped',
  'lying-peer',
  'silent-peer',
  'node-revoke',
  'stranger',
] as const

/** What a fault does. */
export type FaultKind = (typeof FAULT_KINDS)[number]

/** A machine of the cluster by name: `registry`, `supernode`, `node-1` and so on, or a bad peer. */
export type MachineName = string

/** One fault, as the seed wants it. */
export interface PlannedFault {
  /** Counts from 1, in the order of time. */
  readonly id: number
  readonly kind: FaultKind
  /** The machine that it happens to; for a bad peer, the machine that it comes to. */
  readonly target: MachineName
  /** When it begins, in milliseconds since the load began. */
  readonly atMs: number
  /** How long it lasts until it heals; a program that was killed needs its start beyond that. */
  readonly forMs: number
  /** Of a cut: those that the target cannot reach meanwhile. Never the registry. */
  readonly from?: readonly MachineName[]
  /** Of a skew: what is added to the clock. */
  readonly skewMs?: number
  /** Of corrupt blocks: every how many bytes one is changed, and of how many files. */
  readonly stepBytes?: number
  readonly everyFile?: number
}

/** A fault as it happened. Times are milliseconds since the load began. */
export interface HappenedFault extends PlannedFault {
  readonly beganAtMs: number
  /** When its healing began. Infinite while it lasts. */
  readonly healingAtMs: number
  /** When all was as before: a killed program is ready again. Infinite while it lasts. */
  readonly healedAtMs: number
}

/** What a machine has once: two faults at once in the same place would be another fault than the plan says. */
export function placesOf({ kind, target, from = [] }: PlannedFault): string[] {
  switch (kind) {
    case 'link-cut':
      return [`link of ${target}`, ...from.map(other => [target, other].sort().join(' to '))]
    case 'link-halve':
      return [`rate of ${target}`]
    case 'disk-full':
      return [`disk of ${target}`]
    case 'clock-skew':
    case 'supernode-clock-skew':
      return [`clock of ${target}`]
    case 'node-revoke':
      // It takes a supernode that answers, and writes.
      return [target, 'supernode']
        .flatMap(name => [`process of ${name}`, `disk of ${name}`])
        .concat([target, 'supernode'].sort().join(' to '), `link of ${target}`)
    default:
      return [`process of ${target}`]
  }
}

/** Whether the origin is out of reach of everybody while a fault lasts. */
export function isOutage({ kind }: { readonly kind: FaultKind }): boolean {
  return kind === 'registry-kill' || kind === 'registry-freeze'
}
