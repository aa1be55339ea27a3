import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createConfigFiles } from '../../install/config-files.ts'
import type { FileSystem } from '../../install/file-system.ts'
import { readJournals } from '../../install/journal-store.ts'
import { type PlanRequest, RUNTIMES, type RuntimeName } from '../../install/plan.ts'
import { bounded } from '../bounded.ts'
import type { RuntimeFacts } from '../checks/runtime.ts'
import { proxyFor } from '../proxy-for.ts'
import { wiringOf } from '../wiring.ts'
import { dockerSocket, probeDockerMirrors } from './docker-mirrors.ts'
import { processesCalled, type RunningProcess } from './processes.ts'

/** Which runtimes are looked at, and where. */
export interface RuntimesInit {
  readonly fileSystem: FileSystem
  /** Directory that the files are below; `/` for the machine itself. */
  readonly root: string
  readonly request: PlanRequest
  /** Empty for those that are found. */
  readonly runtimes: readonly RuntimeName[]
}

interface RuntimeTraits {
  readonly program: string
  /** Names of the daemon's process. */
  readonly processes: readonly string[]
  /** The flags that name its configuration file. */
  readonly configFlags: readonly string[]
  /** The file without such a flag. */
  readonly configFile: string
  /** Files that the daemon reads at its start only. */
  readonly readAtStart: readonly string[]
}

const TRAITS: Readonly<Record<RuntimeName, RuntimeTraits>> = {
  docker: traits('dockerd', ['dockerd'], ['--config-file'], '/etc/docker/daemon.json', []),
  containerd: traits('containerd', ['containerd'], ['--config', '-c'], '/etc/containerd/config.toml'),
  crio: traits('crio', ['crio'], [], '/etc/containers/registries.conf', [
    '/etc/containers/registries.conf.d/damselfly.conf',
  ]),
  podman: traits('podman', [], [], '/etc/containers/registries.conf', []),
  k3s: traits('k3s', ['k3s-server', 'k3s-agent'], [], '/etc/rancher/k3s/registries.yaml'),
}

const PROGRAM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/opt/bin']

/** Looks at the container runtimes of a machine: what their files say, and whether their daemons have read them. */
export async function probeRuntimes(init: RuntimesInit): Promise<RuntimeFacts[]> {
  const { runtimes } = init
  const installed = await installedMirrors(init)
  const chosen = runtimes.length > 0 ? runtimes : await runtimesFound(init, installed)
  const facts = await Promise.all(chosen.map(runtime => factsOf(init, runtime, installed.get(runtime))))
  const anyWired = facts.some(({ wiring }) => wiring.state === 'wired')
  return facts.map(fact => ({ ...fact, isOptional: runtimes.length === 0 && anyWired }))
}

/** The dfdaemons of earlier installs. The journals are root's: others see none. */
async function installedMirrors({ fileSystem }: RuntimesInit): Promise<Map<RuntimeName, string>> {
  const journals = await readJournals(fileSystem).catch(() => new Map())
  return new Map([...journals].map(([runtime, { mirror }]) => [runtime, mirror]))
}

/** dockerd brings its own containerd along, so that one counts for itself only where somebody has set it up. */
async function runtimesFound({ root }: RuntimesInit, installed: Map<RuntimeName, string>): Promise<RuntimeName[]> {
  const present = new Set<RuntimeName>(installed.keys())
  for (const runtime of RUNTIMES) {
    const places = PROGRAM_DIRECTORIES.map(directory => join(root, directory, TRAITS[runtime].program))
    const found = await Promise.all(places.map(isThere))
    if (found.includes(true)) present.add(runtime)
  }
  const hosts = await isThere(join(root, '/etc/containerd/certs.d'))
  if (present.has('docker') && !installed.has('containerd') && !hosts) present.delete('containerd')
  return RUNTIMES.filter(runtime => present.has(runtime))
}

async function factsOf(
  { fileSystem, root, request }: RuntimesInit,
  runtime: RuntimeName,
  installedMirror: string | undefined,
): Promise<RuntimeFacts> {
  const files = createConfigFiles(fileSystem)
  const [looked, found] = await Promise.all([
    bounded(() => wiringOf(runtime, files, request, installedMirror)),
    bounded(() => daemonOf(runtime, root)),
  ])
  const wiring =
    'value' in looked ? looked.value : ({ state: 'closed', problem: 'its files cannot be read in time' } as const)
  const daemon = 'value' in found ? found.value : undefined
  const { readAtStart } = TRAITS[runtime]
  return {
    runtime,
    wiring,
    mirror: request.mirror,
    changedAt: await newestChange(readAtStart.map(path => join(root, path))),
    process: daemon && { startedAt: daemon.startedAt, proxy: proxyFor(request.mirror, daemon.environment ?? {}) },
    dockerMirrors:
      runtime === 'docker'
        ? await dockerMirrors(await files.text(TRAITS.docker.configFile).catch(() => undefined), root)
        : undefined,
    isOptional: false,
  }
}

/** The daemon that reads the files below the root, not one that somebody runs with files of its own. */
async function daemonOf(runtime: RuntimeName, root: string): Promise<RunningProcess | undefined> {
  const { processes, configFlags, configFile } = TRAITS[runtime]
  const running = (await Promise.all(processes.map(processesCalled))).flat()
  return running.find(({ args }) => join(root, configFile) === (configArgument(args, configFlags) ?? configFile))
}

/** `--flag FILE` or `--flag=FILE`. */
function configArgument(args: readonly string[], flags: readonly string[]): string | undefined {
  for (const [index, arg] of args.entries()) {
    const [name = '', ...value] = arg.split('=')
    if (flags.includes(name)) return value.length > 0 ? value.join('=') : args[index + 1]
  }
  return undefined
}

async function dockerMirrors(daemonJson: string | undefined, root: string): Promise<RuntimeFacts['dockerMirrors']> {
  // The files of another machine's image have no dockerd, unless they name its socket.
  if (root !== '/' && daemonJson?.includes('unix://') !== true) return undefined
  return probeDockerMirrors(dockerSocket(daemonJson))
}

async function newestChange(paths: readonly string[]): Promise<number | undefined> {
  const times = await Promise.all(
    paths.map(path =>
      stat(path)
        .then(({ mtimeMs }) => mtimeMs)
        .catch(() => undefined),
    ),
  )
  const known = times.filter(time => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function traits(
  program: string,
  processes: readonly string[],
  configFlags: readonly string[],
  configFile: string,
  readAtStart: readonly string[] = [configFile],
): RuntimeTraits {
  return { program, processes, configFlags, configFile, readAtStart }
}
