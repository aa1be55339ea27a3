import type { RuntimeName } from '../install/plan.ts'

/** What mends things, with the options that make a command mean what the doctor was asked about. */
export interface Commands {
  /** Starts the dfdaemon. */
  readonly start: string
  /** Makes this node a member of a cluster; the URL of its supernode and a token come behind it. */
  readonly join: string
  /** Runs the doctor again. */
  readonly doctor: string
  /** Come behind `dfdaemon install RUNTIME`, with a space in front; empty where the defaults serve. */
  readonly installOptions: string
  /** Likewise for `dfdaemon uninstall RUNTIME`. */
  readonly uninstallOptions: string
}

/** What the doctor was given; undefined or empty for what was not. */
export interface GivenOptions {
  readonly configFile: string | undefined
  readonly listen: string | undefined
  readonly supernode: string
  readonly dataDir: string
  readonly mirror: string | undefined
  readonly root: string
  readonly registries: readonly string[]
}

/** The commands for what was given. A file says all that flags could say. */
export function commandsFor(given: GivenOptions): Commands {
  const { configFile, listen, supernode, dataDir, mirror, root, registries } = given
  const file = flag('--config', configFile)
  const listening = configFile === undefined ? flag('--listen', listen) : ''
  const place = configFile === undefined ? flag('--data-dir', dataDir) : file
  const settings = configFile === undefined ? `${listening}${flag('--supernode', supernode)}${place}` : file
  const below = flag('--root', root === '/' ? undefined : root)
  const where = `${flag('--mirror', mirror)}${below}`
  const named = registries.map(registry => flag('--registry', registry)).join('')
  return {
    start: `dfdaemon${settings}`,
    join: `dfdaemon join${place}`,
    doctor: `dfdaemon doctor${settings}${where}${named}`,
    installOptions: `${file}${listening}${where}${named}`,
    uninstallOptions: below,
  }
}

/** `dfdaemon install RUNTIME` as it has to be run here. */
export function installCommand(runtime: RuntimeName, { installOptions }: Pick<Commands, 'installOptions'>): string {
  return `dfdaemon install ${runtime}${installOptions}`
}

/** `dfdaemon uninstall RUNTIME` likewise. */
export function uninstallCommand(
  runtime: RuntimeName,
  { uninstallOptions }: Pick<Commands, 'uninstallOptions'>,
): string {
  return `dfdaemon uninstall ${runtime}${uninstallOptions}`
}

const PLAIN = /^[\w@%+=:,./[\]-]+$/

/** ` --name value`, quoted for a shell where that is needed; empty without a value. */
function flag(name: string, value: string | undefined): string {
  if (value === undefined || value === '') return ''
  return ` ${name} ${PLAIN.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`}`
}
