import { DamselflyError } from '../../../../protocol/errors.ts'
import { readContainerdConfig, withConfigPath } from '../formats/containerd-config.ts'
import type { ConfigFiles, Plan, PlanRequest } from '../plan.ts'
import { hostDirectory } from './host-directory.ts'

const CONFIG_TOML = '/etc/containerd/config.toml'
const HOSTS_DIRECTORY = '/etc/containerd/certs.d'
const EVERY_REGISTRY = '_default'
const RESTART = 'systemctl restart containerd'

/** `hosts.toml` files, one for all registries or one for each that is named; `config.toml` only when asked (contracts §3.1). */
export async function planContainerd(files: ConfigFiles, request: PlanRequest): Promise<Plan> {
  const config = await planConfig(files, request)
  const registries = request.registries.length > 0 ? request.registries : [EVERY_REGISTRY]
  const planned = [...config.files]
  for (const registry of registries) {
    const name = await directoryName(files, config.directory, registry)
    planned.push(...(await hostDirectory(files, `${config.directory}/${name}`, request)))
  }
  const notes = [...config.notes]
  if (registries.includes(EVERY_REGISTRY)) notes.push(...(await exceptions(files, config.directory)))
  return { files: planned, notes, commands: config.commands }
}

interface ConfigPlan extends Plan {
  /** Where containerd looks for `hosts.toml` files. */
  readonly directory: string
}

async function planConfig(files: ConfigFiles, { editContainerdConfig }: PlanRequest): Promise<ConfigPlan> {
  const text = await files.text(CONFIG_TOML)
  // Every containerd since 1.3 reads version 2.
  const { configPath, linesFor, conflictLines } = readContainerdConfig(text ?? 'version = 2\n', CONFIG_TOML)
  if (configPath !== undefined) {
    const asked = editContainerdConfig && text !== undefined ? [{ path: CONFIG_TOML, text }] : []
    return { ...configured(configPath), files: asked }
  }
  const directory = HOSTS_DIRECTORY
  if (editContainerdConfig) {
    const edited = withConfigPath(text ?? 'version = 2\n', directory, CONFIG_TOML)
    return { directory, files: [{ path: CONFIG_TOML, text: edited }], notes: [], commands: [RESTART] }
  }
  const notes = [adviceFor({ isMissing: text === undefined, lines: linesFor?.(directory), conflictLines })]
  return { directory, files: [], notes, commands: [] }
}

/** A list of directories works only for some ways to pull, so the first one is used: all ways look there, or none. */
function configured(configPath: string): ConfigPlan {
  const [first = configPath, ...others] = configPath.split(':')
  if (!first.startsWith('/')) {
    throw new DamselflyError('CONFIG_INVALID', `${CONFIG_TOML}: config_path "${first}" is not an absolute path`)
  }
  const notes =
    others.length === 0
      ? []
      : [`${CONFIG_TOML} names several directories in config_path; some versions of containerd take only one.`]
  return { directory: first.replace(/(?<=.)\/+$/, ''), files: [], notes, commands: [] }
}

function adviceFor(config: {
  readonly isMissing: boolean
  readonly lines: string | undefined
  readonly conflictLines: readonly number[]
}): string {
  if (config.lines === undefined) {
    return `${CONFIG_TOML} is of version 1, which has no config_path: bring it to version = 2 first, then install again.`
  }
  if (config.conflictLines.length > 0) {
    const lines = config.conflictLines.join(', ')
    return `${CONFIG_TOML} has old mirror settings (lines ${lines}), with which containerd refuses config_path: move them to hosts.toml files in ${HOSTS_DIRECTORY}, then install again.`
  }
  const before = config.isMissing ? 'version = 2\n' : ''
  const lines = `${before}${config.lines}`.trimEnd().replaceAll(/^/gm, '    ')
  return `containerd does not read ${HOSTS_DIRECTORY} yet: install again with --edit-containerd-config, or add these lines to ${CONFIG_TOML} and run ${RESTART}:\n${lines}`
}

/** containerd takes the first of these that is there, so a second one would go unread. */
async function directoryName(files: ConfigFiles, directory: string, registry: string): Promise<string> {
  const [, host, port] = /^(.+):(\d+)$/.exec(registry) ?? []
  const escaped = host === undefined ? registry : `${host}_${port}_`
  return (await files.list(directory)).includes(escaped) ? escaped : registry
}

/** A registry with a directory of its own never gets to `_default`. */
async function exceptions(files: ConfigFiles, directory: string): Promise<string[]> {
  const names = (await files.list(directory)).filter(name => name !== EVERY_REGISTRY && !name.startsWith('.'))
  if (names.length === 0) return []
  const registries = names.map(name => name.replace(/_(\d+)_$/, ':$1'))
  const options = registries.map(registry => `--registry ${registry}`).join(' ')
  return [`${registries.join(', ')} have files of their own in ${directory}; add the mirror there with ${options}.`]
}
