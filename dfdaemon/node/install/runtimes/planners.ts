import type { Planner, RuntimeName } from '../plan.ts'
import { planContainerd } from './containerd.ts'
import { planCrio, planPodman } from './containers.ts'
import { planDocker } from './docker.ts'
import { planK3s } from './k3s.ts'

/** What each runtime needs. */
export const PLANNERS: Readonly<Record<RuntimeName, Planner>> = {
  docker: planDocker,
  containerd: planContainerd,
  crio: planCrio,
  podman: planPodman,
  k3s: planK3s,
}
