/** The runtimes that can be pointed at a dfdaemon. */
export const RUNTIMES = ['docker', 'containerd', 'crio', 'podman', 'k3s'] as const
export type RuntimeName = (typeof RUNTIMES)[number]

/** What is to be written into a runtime's configuration, checked. */
export interface PlanRequest {
  /** `http://host:port` of the dfdaemon as its node reaches it. */
  readonly mirror: string
  /** Registries as `host[:port]`; empty for the runtime's default. */
  readonly registries: readonly string[]
  /** Registries that the dfdaemon's own configuration names; the default of runtimes that have no catch-all. */
  readonly knownRegistries: readonly string[]
  /** Certificate that the runtime shall trust for these registries, PEM. */
  readonly caPem?: string | undefined
  /** Whether containerd's `config.toml` may be changed. */
  readonly editContainerdConfig: boolean
}

/** The files of a machine as a planner sees them. Paths are absolute, below the root that is installed into. */
export interface ConfigFiles {
  /** Content of a file; undefined when there is none. @throws DamselflyError CONFIG_INVALID when it is not UTF-8 */
  text(path: string): Promise<string | undefined>
  /** Names in a directory, sorted; empty when there is none. */
  list(path: string): Promise<readonly string[]>
}

/** A file as it shall be. The same as it is when nothing is to be done. */
export interface WantedFile {
  readonly path: string
  readonly text: string
}

/** What makes a runtime pull through the dfdaemon. */
export interface Plan {
  readonly files: readonly WantedFile[]
  /** What the operator should know, in sentences. */
  readonly notes: readonly string[]
  /** Commands that make the runtime read its files again, after an uninstall too. */
  readonly commands: readonly string[]
}

/** Decides what a runtime needs. Reads, never writes. @throws DamselflyError CONFIG_INVALID that names file and line */
export type Planner = (files: ConfigFiles, request: PlanRequest) => Promise<Plan>
