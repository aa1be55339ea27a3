import type { Conditions } from '../conditions.ts'

/** The machine under a measurement, for people. @param measured `commit` is null when nobody knows it */
export function machineLine({ commit, conditions }: { commit: string | null; conditions: Conditions }): string {
  const { cpus, cpuModel, node, loadBefore, foreignCpuShare } = conditions
  const machine = `${cpus} × ${cpuModel}, Node ${node}, commit ${commit ?? 'unknown'}`
  const others = `other programs took ${Math.round(foreignCpuShare * 100)} % of the processor time`
  return `${machine}. Load average at the start: ${loadBefore.toFixed(2)}; ${others}.`
}
