import { Command, Option } from 'commander'
import type { Static, TObject } from 'typebox'
import { DamselflyError, toDamselflyError } from '../../protocol/errors.ts'
import { VERSION } from '../version.ts'
import { type ConfigLeaf, configLeaves, environmentPrefix, flagOf, isFileOnly } from './leaves.ts'
import { type FlagValue, loadConfig } from './load-config.ts'

/** How the flags of a command look. */
export interface ConfigCommandInit {
  /**
   * Whether boolean flags take no value: `--quiet`, and `--no-quiet` against a file or the environment. For commands with
   * arguments, which an optional value would swallow.
   */
  readonly plainBooleans?: boolean
}

/**
 * A command whose options are the settings of a schema: `--config FILE`, then one flag for each setting.
 * @param program name, and prefix of its environment variables
 */
export function createConfigCommand(
  program: string,
  description: string,
  schema: TObject,
  { plainBooleans = false }: ConfigCommandInit = {},
): Command {
  const command = new Command(program).description(description).version(VERSION).showHelpAfterError()
  command.addOption(
    new Option('--config <file>', 'YAML file with settings').env(`${environmentPrefix(program)}_CONFIG`),
  )
  for (const leaf of configLeaves(schema)) {
    if (isFileOnly(leaf)) continue
    const option = optionOf(leaf, plainBooleans)
    command.addOption(option.helpGroup(`Settings (each also as ${environmentPrefix(program)}_…):`))
    if (option.isBoolean()) command.addOption(negationOf(leaf))
    if (isCamelCase(leaf)) command.addOption(asInFile(leaf, option))
  }
  return command
}

function optionOf(leaf: ConfigLeaf, plainBooleans: boolean): Option {
  const { type, description: text = '', default: value, short, placeholder = 'value', repeatable } = leaf.schema
  const shown =
    value === undefined || value === '' || (plainBooleans && value === false)
      ? text
      : `${text} (default: ${[value].flat().join(',') || 'none'})`
  const taken = type !== 'boolean' ? ` <${placeholder}>` : plainBooleans ? '' : ' [value]'
  const option = new Option(`${short === undefined ? '' : `${short}, `}${flagOf(leaf)}${taken}`, shown)
  option.attributeName = () => leaf.path.join('.')
  if (repeatable === true) option.argParser((item: string, before: string[] = []) => [...before, item])
  return option
}

function negationOf(leaf: ConfigLeaf): Option {
  const option = new Option(flagOf(leaf).replace(/^--/, '--no-')).hideHelp()
  option.attributeName = () => leaf.path.join('.')
  return option
}

function isCamelCase({ path }: ConfigLeaf): boolean {
  return path.length === 1 && /[A-Z]/.test(path[0] ?? '')
}

/** The name that the setting has in a file is understood as a flag, too: `--sizeBytes` for `--size-bytes`. */
function asInFile(leaf: ConfigLeaf, { flags }: Option): Option {
  const option = new Option(flags.replace(/^(-\w, )?--[\w-]+/, `--${leaf.path.join('.')}`)).hideHelp()
  option.attributeName = () => leaf.path.join('.')
  return option
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
    const text = error instanceof DamselflyError ? error.message : (toDamselflyError(error).cause as Error)?.stack
    process.stderr.write(`${command.name()}: ${text ?? error}\n`)
    process.exitCode = 1
  }
}
