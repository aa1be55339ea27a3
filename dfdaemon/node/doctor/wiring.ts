import { DamselflyError } from '../../../protocol/errors.ts'
import { readContainerdConfig } from '../install/formats/containerd-config.ts'
import { registryBlocks } from '../install/formats/registries-conf.ts'
import { k3sMirrorNames } from '../install/formats/registries-yaml.ts'
import type { ConfigFiles, PlanRequest, RuntimeName } from '../install/plan.ts'
import { PLANNERS } from '../install/runtimes/planners.ts'

/** Whether a runtime's files point it at the dfdaemon. */
export type Wiring =
  | {
      readonly state: 'wired'
      /** The registries that are pulled through the dfdaemon; undefined for all that the runtime can. */
      readonly registries: readonly string[] | undefined
      /** Registries with settings of their own that lack the dfdaemon. */
      readonly without: readonly string[]
    }
  /** containerd's hosts.toml files are right, but its config.toml does not make it read them. */
  | { readonly state: 'unread' }
  /** The files point at a dfdaemon somewhere else. */
  | { readonly state: 'elsewhere'; readonly mirror: string }
  | { readonly state: 'none' }
  /** This user may not read the files. */
  | { readonly state: 'closed'; readonly problem: string }
  /** A file is not what the runtime can read. */
  | { readonly state: 'broken'; readonly problem: string }

const CONTAINERD_CONFIG = '/etc/containerd/config.toml'
const CONTAINERD_HOSTS = '/etc/containerd/certs.d'
const CONTAINERS_CONF = '/etc/containers/registries.conf'
const K3S_REGISTRIES = '/etc/rancher/k3s/registries.yaml'
const DOCKER_HUB = 'docker.io'
const REGISTRY = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/
const LOCAL_MIRROR = /(?:127\.0\.0\.1|localhost|\[::1\]):\d{1,5}/g

/**
 * Decides with the planners of `install`: a runtime is wired when an install would change nothing.
 * @param request as for an install; without registries, any that are wired count
 * @param installedMirror the dfdaemon of an earlier install, where that is known
 */
export async function wiringOf(
  runtime: RuntimeName,
  files: ConfigFiles,
  request: PlanRequest,
  installedMirror: string | undefined,
): Promise<Wiring> {
  try {
    return await lookAt(runtime, files, request, installedMirror)
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error
    const problem = (error.detail ?? error.message).replace(/; nothing was changed$/, '')
    return error.code === 'CONFIG_INVALID' ? { state: 'broken', problem } : { state: 'closed', problem }
  }
}

async function lookAt(
  runtime: RuntimeName,
  files: ConfigFiles,
  request: PlanRequest,
  installedMirror: string | undefined,
): Promise<Wiring> {
  const whole = await changesFor(runtime, files, request)
  const named = request.registries.length === 0 ? await registriesIn(runtime, files, request) : []
  const changes = [whole]
  const wired: string[] = []
  const without: string[] = []
  for (const registry of named) {
    const own = await changesFor(runtime, files, { ...request, registries: [registry] })
    changes.push(own)
    if (own.length === 0) wired.push(registry)
    else without.push(registry)
  }
  if (whole.length === 0) return { state: 'wired', registries: undefined, without }
  if (changes.some(one => one.length === 1 && one[0]?.path === CONTAINERD_CONFIG)) return { state: 'unread' }
  if (wired.length > 0) return { state: 'wired', registries: wired, without }
  if (installedMirror !== undefined && installedMirror !== request.mirror) {
    return { state: 'elsewhere', mirror: installedMirror }
  }
  const { host } = new URL(request.mirror)
  const mirrors = changes.flat().flatMap(({ before }) => before.match(LOCAL_MIRROR) ?? [])
  const other = mirrors.find(mirror => mirror !== host)
  return other === undefined ? { state: 'none' } : { state: 'elsewhere', mirror: `http://${other}` }
}

interface Change {
  readonly path: string
  readonly before: string
}

/** The files that an install would change. */
async function changesFor(runtime: RuntimeName, files: ConfigFiles, request: PlanRequest): Promise<Change[]> {
  const plan = await PLANNERS[runtime](files, { ...request, editContainerdConfig: true })
  const changes: Change[] = []
  for (const { path, text } of plan.files) {
    const before = await files.text(path)
    if (before !== text) changes.push({ path, before: before ?? '' })
  }
  return changes
}

/** The registries that a runtime's files name. */
async function registriesIn(runtime: RuntimeName, files: ConfigFiles, request: PlanRequest): Promise<string[]> {
  const names = await NAMES[runtime](files, request)
  return [...new Set(names)].filter(name => REGISTRY.test(name))
}

const NAMES: Readonly<Record<RuntimeName, (files: ConfigFiles, request: PlanRequest) => Promise<string[]>>> = {
  docker: async () => [DOCKER_HUB],
  async containerd(files) {
    const text = await files.text(CONTAINERD_CONFIG)
    const configPath = text === undefined ? undefined : readContainerdConfig(text, CONTAINERD_CONFIG).configPath
    const [directory = CONTAINERD_HOSTS] = configPath?.split(':') ?? []
    return (await files.list(directory)).map(name => name.replace(/_(\d+)_$/, ':$1'))
  },
  crio: namesOfContainers,
  podman: namesOfContainers,
  k3s: async files => k3sMirrorNames((await files.text(K3S_REGISTRIES)) ?? '', K3S_REGISTRIES),
}

async function namesOfContainers(files: ConfigFiles, { knownRegistries }: PlanRequest): Promise<string[]> {
  const directory = `${CONTAINERS_CONF}.d`
  const dropIns = (await files.list(directory)).filter(name => name.endsWith('.conf'))
  const names: string[] = [DOCKER_HUB, ...knownRegistries]
  for (const path of [CONTAINERS_CONF, ...dropIns.map(name => `${directory}/${name}`)]) {
    const text = await files.text(path)
    if (text !== undefined) names.push(...registryBlocks(text, path).map(({ prefix }) => prefix))
  }
  return names
}
