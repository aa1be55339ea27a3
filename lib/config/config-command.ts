import { Command, Option } from 'commander'
import type { Static, TObject } from 'typebox'
import { DamselflyError, toDamselflyError } from '../../protocol/errors.ts'
import { deniedAccess } from '../denied-access.ts'
import { VERSION } from '../version.ts'
import { type ConfigLeaf, configLeaves, environmentOf, environmentPrefix, flagOf, isFileOnly } from './leaves.ts'
import { type FlagValue, loadConfig } from './load-config.ts'
import { SettingOption } from './setting-option.ts'

/** How the flags of a command look. */
export interface ConfigCommandInit {
  /**
   * Whether boolean flags take no value: `--quiet`, and `--no-quiet` against a file or the environment. For commands with
   * arguments, which an optional value would swallow.
   */
  readonly plainBooleans?: boolean
  /**
   * The `group`s of the schema in the order of the help; settings of other groups come before them. `--config`, `--version`
   * and `--help` belong to the last one. By default they come first, and settings in the order of the schema.
   */
  readonly groups?: readonly string[]
}

/**
 * A command whose options are the settings of a schema: `--config FILE`, then one flag for each setting.
 * @param program name, and prefix of its environment variables
 */
export function createConfigCommand(
  program: string,
  description: string,
  schema: TObject,
  { plainBooleans = false, groups = [] }: ConfigCommandInit = {},
): Command {
  const command = new Command(program).description(description).showHelpAfterError()
  const last = groups.at(-1)
  if (last === undefined) addCommonOptions(command, program)
  const leaves = configLeaves(schema).toSorted((a, b) => groups.indexOf(a.group ?? '') - groups.indexOf(b.group ?? ''))
  for (const leaf of leaves) {
    if (isFileOnly(leaf)) continue
    const { group = `Settings (each also as ${environmentPrefix(program)}_…)` } = leaf
    const option = optionOf(program, leaf, plainBooleans)
    command.addOption(option.helpGroup(`${group}:`))
    if (option.isBoolean()) command.addOption(hiddenOption(flagOf(leaf).replace(/^--/, '--no-'), option))
    // The name that the setting has in a file is understood as a flag, too: `--sizeBytes` for `--size-bytes`.
    if (isCamelCase(leaf)) {
      const asInFile = option.flags.replace(/^(-\w, )?--[\w-]+/, `--${leaf.path.join('.')}`)
      command.addOption(hiddenOption(asInFile, option))
    }
    for (const alias of leaf.schema.aliases ?? []) command.addOption(aliasOption(alias, option))
  }
  if (last !== undefined) addCommonOptions(command.optionsGroup(`${last}:`), program)
  return command
}

function addCommonOptions(command: Command, program: string): void {
  command
    .version(VERSION)
    .addOption(new Option('--config <file>', 'YAML file with settings').env(`${environmentPrefix(program)}_CONFIG`))
    .helpOption(true)
}

function optionOf(program: string, leaf: ConfigLeaf, plainBooleans: boolean): SettingOption {
  const { type, description = '', aliases = [], default: value, short, placeholder = 'value', repeatable } = leaf.schema
  const text = [description, ...(aliases.length === 0 ? [] : [`also ${aliases.map(flagOfAlias).join(', ')}`])].join(
    '; ',
  )
  const unset = value === undefined || value === '' || (plainBooleans && value === false)
  const defaultText = unset ? undefined : [value].flat().join(',') || 'none'
  const taken = type !== 'boolean' ? ` <${placeholder}>` : plainBooleans ? '' : ' [value]'
  const option = new SettingOption(`${short === undefined ? '' : `${short}, `}${flagOf(leaf)}${taken}`, {
    leaf,
    text,
    defaultText,
    environment: environmentOf(program, leaf),
  })
  if (repeatable === true) option.argParser((item: string, before: string[] = []) => [...before, item])
  return option
}

/** Another flag for the same setting. */
function hiddenOption(flags: string, { setting }: SettingOption): Option {
  return new SettingOption(flags, setting).hideHelp()
}

function flagOfAlias(alias: string): string {
  return alias.length === 1 ? `-${alias}` : `--${alias}`
}

/** The same flag under the name that another program gives it. */
function aliasOption(alias: string, option: SettingOption): Option {
  const flag = flagOfAlias(alias)
  const same = hiddenOption(option.flags.replace(/^(-\w, )?--[\w-]+/, flag), option)
  // Commander would read --no-clobber as the opposite of a clobber.
  same.negate = false
  if (option.parseArg !== undefined) same.parseArg = option.parseArg
  return same
}

function isCamelCase({ path }: ConfigLeaf): boolean {
  return path.length === 1 && /[A-Z]/.test(path[0] ?? '')
}

/** Reads the configuration that a command made by `createConfigCommand` was called with. */
export function configOf<Schema extends TObject>(command: Command, schema: Schema): Static<Schema> {
  const { config: file, ...flags } = command.opts<Record<string, FlagValue | undefined>>()
  return loadConfig(command.name(), schema, { file: file as string | undefined, environment: process.env, flags })
}

/** Runs a program to its end. An expected error becomes one line on stderr and exit code 1; a bug keeps its stack. */
export async function runCommand(command: Command, argv = process.argv): Promise<void> {
  try {
    await command.parseAsync(argv)
  } catch (error) {
    const expected = error instanceof DamselflyError ? error.message : (toDamselflyError(error).cause as Error)?.stack
    const text = deniedAccess(error) ?? expected
    process.stderr.write(`${command.name()}: ${text ?? error}\n`)
    process.exitCode = 1
  }
}
