import { Command, Option } from 'commander'
import type { TObject } from 'typebox'
import type { ErrorCode } from '../../protocol/errors.ts'
import { type ConfigLeaf, configLeaves, flagOf, type LeafSchema } from '../config/leaves.ts'
import { parseSetting } from '../config/parse-setting.ts'
import { type ApiDefaults, type ApiOptions, addApiOptions, chooseEndpoint } from '../http/client/api-options.ts'
import { formatBytes } from '../terminal/format.ts'
import { tableLines } from '../terminal/table.ts'
import type { LimitUnit } from './limit-settings.ts'
import { askLimits, type LimitValues } from './limits-client.ts'

/** The program whose limits a command is for. */
export interface LimitsCommandInit {
  /** Its name, `dfdaemon`. */
  readonly program: string
  /** Of the settings of its limits. */
  readonly schema: TObject
  /** Where it is found unless that is given. */
  readonly defaults: () => ApiDefaults
  /** The error when it does not answer. */
  readonly unreachable: ErrorCode
}

/** `<program> limits [--<limit> VALUE …]`: shows the limits of the running program, after it has changed those that are given. */
export function createLimitsCommand(
  { program, schema, defaults, unreachable }: LimitsCommandInit,
  { stdout }: { readonly stdout: { write(text: string): unknown } } = process,
): Command {
  const leaves = configLeaves(schema)
  const command = new Command('limits').description(
    `Shows the limits of the running ${program}; changes those that are given until it ends.`,
  )
  addApiOptions(command, program).option('--json', 'print one line of JSON')
  for (const leaf of leaves) {
    const { placeholder = 'value', description = '' } = leaf.schema
    command.addOption(new Option(`${flagOf(leaf)} <${placeholder}>`, description))
  }
  return command.action(async (options: ApiOptions & Readonly<Record<string, unknown>>) => {
    const values = await askLimits(
      { api: chooseEndpoint(options, defaults()), unreachable },
      givenLimits(leaves, options),
    )
    stdout.write(options.json === true ? `${JSON.stringify(values)}\n` : limitsText(schema, values))
  })
}

function givenLimits(leaves: readonly ConfigLeaf[], options: Readonly<Record<string, unknown>>): LimitValues {
  const values: Record<string, number> = {}
  for (const leaf of leaves) {
    const [name = ''] = leaf.path
    const text = options[name]
    if (typeof text === 'string') values[name] = parseSetting(leaf, text, 'the command line') as number
  }
  return values
}

/** Limits for people, one a line. */
export function limitsText(schema: TObject, values: LimitValues): string {
  const rows = Object.entries(values).map(([name, value]) => [name, limitText(schema.properties[name], value)])
  return `${tableLines(rows).join('\n')}\n`
}

function limitText(schema: (LeafSchema & { readonly unit?: LimitUnit }) | undefined, value: number): string {
  if (value === 0) return 'no limit'
  return schema?.unit === 'bytes/s' ? `${formatBytes(value)}/s` : `${value}`
}
