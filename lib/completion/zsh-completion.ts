import { type Candidates, type CommandNode, commandNodes, type FlagNode, nodeName } from './command-tree.ts'
import { functionName, shellQuote } from './shell-words.ts'

/** A script for zsh that completes a program: a file `_NAME` in `$fpath`, or something to source after `compinit`. */
export function zshCompletion(root: CommandNode): string {
  const name = functionName(root)
  const functions = commandNodes(root).map(node =>
    node.commands.length > 0 ? branchFunctions(node) : leafFunction(node),
  )
  return `#compdef ${root.path}
# zsh completion of ${root.path}, printed by "${root.path} completion zsh".

${functions.join('\n')}
# Loaded by compinit it is called at once, sourced it is not.
if [[ $funcstack[1] == ${name} ]]; then ${name} "$@"; else compdef ${name} ${root.path}; fi
`
}

function leafFunction(node: CommandNode): string {
  return `${functionName(node)}() {
  _arguments -s -S${lines([...node.flags.flatMap(flagSpecs), ...operandSpecs(node)], ' \\\n    ')}
}
`
}

/** Of a command with subcommands, which may take arguments of its own too. */
function branchFunctions(node: CommandNode): string {
  const name = functionName(node)
  const cases = node.commands.map(each => `    ${nodeName(each)}) ${functionName(each)} && ret=0 ;;`)
  const described = node.commands.map(each => `${nodeName(each)}:${each.description}`)
  // The first argument is no subcommand here, and stands where a command has its name.
  const others = operandSpecs({ ...node, operands: node.variadic ? node.operands : node.operands.slice(1) })
  return `${name}() {
  local context state state_descr line ret=1
  typeset -A opt_args
  local -a flags=(${lines(node.flags.flatMap(flagSpecs), '\n    ')}
  )
  _arguments -s -S -C $flags '1: :${name}_first' '*:::argument:->rest' && ret=0
  [[ $state == rest ]] || return ret
  words=($line[1] $words)
  ((CURRENT++))
  case $line[1] in
${cases.join('\n')}
    *) _arguments -s -S $flags${lines(others, ' ')} && ret=0 ;;
  esac
  return ret
}

${name}_first() {
  local -a commands=(${lines(described, '\n    ')}
  )
  _describe -t commands command commands
${node.operands.slice(0, 1).map(firstAction).join('')}}
`
}

function flagSpecs({ names, description, value, candidates, repeatable }: FlagNode): string[] {
  const others = repeatable ? '*' : names.length > 1 ? `(${names.join(' ')})` : ''
  return names.map(name => {
    const long = name.startsWith('--')
    const joint = { none: '', optional: long ? '=-' : '-', required: long ? '=' : '+' }[value]
    const argument = { none: '', optional: `::${valueSpec(candidates)}`, required: `:${valueSpec(candidates)}` }[value]
    return `${others}${name}${joint}[${description.replaceAll(/[[\]\\:]/g, '\\$&')}]${argument}`
  })
}

function operandSpecs({ operands, variadic }: CommandNode): string[] {
  return operands.map((candidates, index) => {
    const last = variadic && index === operands.length - 1
    return `${last ? '*' : index + 1}:${valueSpec(candidates)}`
  })
}

/** Message and action of `_arguments`. */
function valueSpec(candidates: Candidates): string {
  if (candidates.kind === 'files') return 'file:_files'
  if (candidates.kind === 'directories') return 'directory:_files -/'
  // An empty list: with only a message, zsh would complete no flags in the place of an argument.
  return `value:(${candidates.kind === 'choices' ? candidates.choices.join(' ') : ''})`
}

/** What the first argument may be beside a subcommand. */
function firstAction(candidates: Candidates): string {
  if (candidates.kind === 'files') return '  _files\n'
  if (candidates.kind === 'directories') return '  _files -/\n'
  return candidates.kind === 'choices' ? `  compadd - ${candidates.choices.map(shellQuote).join(' ')}\n` : ''
}

function lines(words: readonly string[], before: string): string {
  return words.map(word => `${before}${shellQuote(word)}`).join('')
}
