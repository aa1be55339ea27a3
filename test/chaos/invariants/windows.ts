import type { FaultKind, HappenedFault, MachineName } from '../plan/fault.ts'

/** Whether a fault lasted at some moment of a stretch of time. @param graceMs so long its consequences count, too */
export function lasted(
  { beganAtMs, healedAtMs }: HappenedFault,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  graceMs = 0,
): boolean {
  return beganAtMs <= toMs && fromMs <= healedAtMs + graceMs
}

/** Those of some kinds that happened to a machine, or to whichever. */
export function faultsOf(
  faults: readonly HappenedFault[],
  kinds: readonly FaultKind[],
  target?: MachineName,
): HappenedFault[] {
  return faults.filter(fault => kinds.includes(fault.kind) && (target === undefined || fault.target === target))
}

/** What leaves a program dead or still. */
export const STANDSTILLS: readonly FaultKind[] = [
  'supernode-kill',
  'dfdaemon-kill',
  'blocks-corrupt-stopped',
  'supernode-freeze',
  'dfdaemon-freeze',
]
