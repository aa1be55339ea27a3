import { drawFaults } from './draw-faults.ts'
import { drawLoad, type Load } from './draw-load.ts'
import type { MachineName, PlannedFault } from './fault.ts'
import { type Phases, phasesOf } from './phases.ts'
import { Draw } from './random.ts'

/** All that a seed decides. */
export interface ChaosPlan {
  readonly seed: number
  readonly minutes: number
  readonly nodes: readonly MachineName[]
  readonly phases: Phases
  readonly faults: readonly PlannedFault[]
  readonly load: Load
}

/** Makes the plan of a run: the same numbers give the same plan. */
export function planChaos({ seed, minutes, nodes }: { seed: number; minutes: number; nodes: number }): ChaosPlan {
  const names = Array.from({ length: nodes }, (_, index) => `node-${index + 1}`)
  const phases = phasesOf(minutes)
  return {
    seed,
    minutes,
    nodes: names,
    phases,
    faults: drawFaults(new Draw(seed, 'faults'), phases.faults, { nodes: names }),
    load: drawLoad(new Draw(seed, 'load'), seed, { loads: phases.loads, nodes: names }),
  }
}
