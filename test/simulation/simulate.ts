import { DamselflyError } from '../../protocol/errors.ts'
import { boundOf } from './report/bound.ts'
import { type Figures, figuresOf } from './report/figures.ts'
import { type Sample, sampleOf } from './report/samples.ts'
import { schedulerBytesPerPeer } from './report/scheduler-memory.ts'
import type { Scenario, Situation } from './scenarios/scenario.ts'
import { SCENARIOS } from './scenarios/scenarios.ts'
import { World } from './world/world.ts'

/** A run that is over. */
export interface Simulated {
  readonly figures: Figures
  readonly samples: readonly Sample[]
}

/** Looks at the swarm in the time that the bound allows. */
const SAMPLES = 150

/** Runs a situation to its end. @param watch whether to gather samples on the way */
export function simulate(name: string, situation: Situation, { watch }: { readonly watch: boolean }): Simulated {
  const bytesPerPeer = schedulerBytesPerPeer(situation.spec)
  const samples: Sample[] = []
  const beganAt = performance.now()
  const world = new World(situation.spec)
  const look = () => void samples.push(sampleOf(world))
  world.run(watch ? { everyMs: boundOf(situation).boundMs / SAMPLES, look } : undefined)
  if (watch) look()
  const measured = { wallMs: performance.now() - beganAt, schedulerBytesPerPeer: bytesPerPeer }
  return { figures: figuresOf(name, situation, world, measured), samples }
}

/** The scenario of this name. @throws DamselflyError CONFIG_INVALID that lists those that there are */
export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find(scenario => scenario.name === name)
  if (found !== undefined) return found
  const names = SCENARIOS.map(scenario => scenario.name).join(', ')
  throw new DamselflyError('CONFIG_INVALID', `there is no scenario "${name}"; there are: ${names}`)
}
