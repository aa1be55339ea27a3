import type { Argument, Command, Option } from 'commander'
import type { LeafSchema } from '../config/leaves.ts'
import { SettingOption } from '../config/setting-option.ts'

/** What a value is completed with. */
export type Candidates =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'files' | 'directories' | 'nothing' }

/** A flag as a shell has to know it. */
export interface FlagNode {
  /** `-O`, `--output`; shorter first. */
  readonly names: readonly string[]
  /** One line. */
  readonly description: string
  /** Whether the next word is its value. An optional value comes only after `=`. */
  readonly value: 'none' | 'optional' | 'required'
  readonly candidates: Candidates
  readonly repeatable: boolean
}

/** A command with its subcommands. */
export interface CommandNode {
  /** How it is called: `dfdaemon store ls`. */
  readonly path: string
  readonly description: string
  /** Those that its help shows. */
  readonly flags: readonly FlagNode[]
  /** What each argument is completed with. */
  readonly operands: readonly Candidates[]
  /** Whether the last argument may be repeated. */
  readonly variadic: boolean
  readonly commands: readonly CommandNode[]
}

/** What a shell has to know of a program. Hidden flags and commands, and commander's own `help`, are left out. */
export function commandTree(command: Command, above = ''): CommandNode {
  const path = `${above}${command.name()}`
  const help = command.createHelp()
  const shown = new Set(help.visibleCommands(command))
  return {
    path,
    description: oneLine(command.summary() || command.description()),
    flags: [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)].map(flagNode),
    operands: command.registeredArguments.map(operandCandidates),
    variadic: command.registeredArguments.at(-1)?.variadic ?? false,
    commands: command.commands.filter(each => shown.has(each)).map(each => commandTree(each, `${path} `)),
  }
}

/** A command and all below it. */
export function commandNodes(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(commandNodes)]
}

/** The name of the node itself, the last word of its path. */
export function nodeName({ path }: CommandNode): string {
  return path.slice(path.lastIndexOf(' ') + 1)
}

function flagNode(option: Option): FlagNode {
  const value = option.required ? 'required' : option.optional ? 'optional' : 'none'
  const schema = option instanceof SettingOption ? option.setting.leaf.schema : undefined
  return {
    names: [option.short, option.long].filter(name => name !== undefined),
    description: oneLine(option instanceof SettingOption ? option.setting.text : option.description),
    value,
    candidates: value === 'none' ? { kind: 'nothing' } : optionCandidates(option, schema),
    repeatable: schema?.repeatable === true || option.variadic,
  }
}

function optionCandidates(option: Option, schema: LeafSchema | undefined): Candidates {
  const choices = option.argChoices ?? choicesOf(schema)
  if (choices.length > 0) return { kind: 'choices', choices }
  return candidatesFor(/[<[]([^>\]]*)[>\]]/.exec(option.flags)?.[1] ?? '')
}

/** Of a setting that takes one of a few texts, or is on or off. */
function choicesOf({ type, anyOf = [] }: LeafSchema = {}): string[] {
  if (type === 'boolean') return ['true', 'false']
  return anyOf.map(choice => choice.const).filter(constant => typeof constant === 'string')
}

function operandCandidates(argument: Argument): Candidates {
  const { argChoices: choices = [] } = argument
  return choices.length > 0 ? { kind: 'choices', choices } : candidatesFor(argument.name())
}

/** By what the help calls a value. */
function candidatesFor(placeholder: string): Candidates {
  if (/^(file|files|path)(\.\.\.)?$/i.test(placeholder)) return { kind: 'files' }
  if (/^(dir|directory)(\.\.\.)?$/i.test(placeholder)) return { kind: 'directories' }
  return { kind: 'nothing' }
}

/** What fits beside a flag in a list: the text up to its first semicolon or bracket. */
function oneLine(text: string): string {
  const [first = ''] = text.replaceAll(/\s+/g, ' ').split(/; | \(/)
  return first
}
