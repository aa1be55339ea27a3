import { type Candidates, type CommandNode, commandNodes, type FlagNode, nodeName } from './command-tree.ts'
import { fishQuote, functionName } from './shell-words.ts'

/** A script for fish 3 or later that completes a program. */
export function fishCompletion(root: CommandNode): string {
  const at = `_${functionName(root)}_at`
  const nodes = commandNodes(root)
  return `# fish completion of ${root.path}, printed by "${root.path} completion fish".

# Whether the words before the cursor have led to a command, with so many arguments of its own, or any number of them.
function ${at}
    set -l words (commandline -opc)
    set -l node ${fishQuote(root.path)}
    set -l operands 0
    set -l flag
    set -e words[1]
    for word in $words
        if set -q flag[1]
            set -e flag
        else if string match -qr -- '^-.' $word
            contains -- $word ${valueFlags(nodes).map(fishQuote).join(' ')}; and set flag $word
        else if test $operands -eq 0; and contains -- "$node $word" ${nodes
          .slice(1)
          .map(({ path }) => fishQuote(path))
          .join(' ')}
            set node "$node $word"
        else
            set operands (math $operands + 1)
        end
    end
    test "$node" = "$argv[1]"; or return 1
    test (count $argv) -eq 1; or test $operands -eq $argv[2]
end

complete -c ${root.path} -f
${nodes.flatMap(node => nodeLines(root.path, at, node)).join('\n')}
`
}

function nodeLines(program: string, at: string, node: CommandNode): string[] {
  const when = (operands?: number) =>
    `complete -c ${program} -n ${fishQuote(`${at} ${fishQuote(node.path)}${operands === undefined ? '' : ` ${operands}`}`)}`
  const { operands, variadic } = node
  return [
    ...node.commands.map(each => `${when(0)} -a ${fishQuote(nodeName(each))} -d ${fishQuote(each.description)}`),
    ...operands.flatMap((candidates, index) => {
      const given = candidatesText(candidates)
      // Where the last one may be repeated there is no telling how many come before it.
      return given === '' ? [] : [`${when(variadic && index === operands.length - 1 ? undefined : index)}${given}`]
    }),
    ...node.flags.map(flag => `${when()}${flagText(flag)}`),
  ]
}

function flagText({ names, description, value, candidates }: FlagNode): string {
  const spelled = names.map(name => (name.startsWith('--') ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`)).join('')
  // An option that takes a value is completed with files unless it is said otherwise.
  const required = value !== 'required' ? '' : candidates.kind === 'files' ? ' -r' : ' -x'
  return `${spelled}${required}${candidatesText(candidates)} -d ${fishQuote(description)}`
}

function candidatesText(candidates: Candidates): string {
  if (candidates.kind === 'files') return ' -F'
  if (candidates.kind === 'directories') return " -a '(__fish_complete_directories)'"
  return candidates.kind === 'choices' ? ` -a ${fishQuote(candidates.choices.join(' '))}` : ''
}

function valueFlags(nodes: readonly CommandNode[]): string[] {
  const flags = nodes.flatMap(node => node.flags.filter(({ value }) => value === 'required'))
  return [...new Set(flags.flatMap(({ names }) => names))]
}
