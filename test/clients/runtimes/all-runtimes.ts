import { prepareBuildah } from './buildah.ts'
import { startContainerd } from './containerd.ts'
import { startDockerd } from './dockerd.ts'
import { preparePodman } from './podman.ts'
import type { StartRuntime } from './runtime.ts'
import { prepareSkopeo } from './skopeo.ts'

/** Every runtime of the suite, by its name. */
export const RUNTIMES = {
  containerd: startContainerd,
  dockerd: startDockerd,
  podman: preparePodman,
  skopeo: prepareSkopeo,
  buildah: prepareBuildah,
} satisfies Record<string, StartRuntime>

/** Name of a runtime of the suite. */
export type RuntimeName = keyof typeof RUNTIMES

/** The names in the order of the tables. */
export const RUNTIME_NAMES = Object.keys(RUNTIMES) as RuntimeName[]
