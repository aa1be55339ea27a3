import { type Candidates, type CommandNode, commandNodes, nodeName } from './command-tree.ts'
import { functionName, shellQuote } from './shell-words.ts'

/** A script for bash 4.4 or later that completes a program. It needs no other package. */
export function bashCompletion(root: CommandNode): string {
  const name = functionName(root)
  const nodes = commandNodes(root)
  return `# bash completion of ${root.path}, printed by "${root.path} completion bash".

# What the value of a flag is completed with: "NODE FLAG" in $1, into $kind; fails for flags without a value.
${name}_value() {
  case $1 in
${nodes.flatMap(valueCases).join('\n')}
    *) return 1 ;;
  esac
}

# The same for an argument: "NODE:NUMBER" in $1.
${name}_operand() {
  case $1 in
${nodes.flatMap(operandCases).join('\n')}
    *) kind=nothing ;;
  esac
}

${name}_flags() {
  case $1 in
${nodes.map(node => `    ${shellQuote(node.path)}) flags=${shellQuote(flagWords(node))} ;;`).join('\n')}
  esac
}

${name}_commands() {
  case $1 in
${nodes
  .map(node => `    ${shellQuote(node.path)}) commands=${shellQuote(node.commands.map(nodeName).join(' '))} ;;`)
  .join('\n')}
  esac
}

# A flag of the command, or of one above it.
${name}_find_value() {
  local node=$1
  while ! ${name}_value "$node $2"; do
    [[ $node == *' '* ]] || return 1
    node=\${node% *}
  done
}

${name}() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() word index apart
  # Bash cuts words at = and : too; what stands together is put together again.
  for ((index = 0; index <= COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    apart=
    while [[ $line == [[:space:]]* ]]; do line=\${line:1} apart=1; done
    word=\${word:0:\${#line}}
    line=\${line:\${#word}}
    if [[ -n $apart || $index -eq 0 ]]; then words+=("$word"); else words[-1]+=$word; fi
  done

  local node=${shellQuote(root.path)} operands=0 flag= only_operands= kind= flags= commands=
  for word in "\${words[@]:1:\${#words[@]}-2}"; do
    if [[ -n $flag ]]; then
      flag=
    elif [[ -z $only_operands && $word == -- ]]; then
      only_operands=1
    elif [[ -z $only_operands && $word == -?* ]]; then
      # A value that may be left out is never the next word.
      ${name}_find_value "$node" "$word" && [[ $kind != optional* ]] && flag=$word
    else
      ${name}_commands "$node"
      if [[ $operands -eq 0 && -n $word && " $commands " == *" $word "* ]]; then node+=" $word"; else ((operands++)); fi
    fi
  done

  local current=\${words[-1]}
  COMPREPLY=()
  if [[ -n $flag ]]; then
    ${name}_find_value "$node" "$flag"
  elif [[ -z $only_operands && $current == --*=* ]]; then
    ${name}_find_value "$node" "\${current%%=*}" || return 0
    kind=\${kind#optional }
    current=\${current#*=}
  elif [[ -z $only_operands && $current == -* ]]; then
    ${name}_flags "$node"
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
    return 0
  else
    [[ $operands -gt 0 ]] || ${name}_commands "$node"
    [[ $operands -gt 0 ]] || COMPREPLY=($(compgen -W "$commands" -- "$current"))
    ${name}_operand "$node:$operands"
  fi

  case $kind in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
    nothing) ;;
    *) COMPREPLY+=($(compgen -W "$kind" -- "$current")) ;;
  esac
  return 0
}

complete -F ${name} ${root.path}
`
}

function valueCases({ path, flags }: CommandNode): string[] {
  return flags.flatMap(({ names, value, candidates }) => {
    if (value === 'none') return []
    const patterns = names.map(name => shellQuote(`${path} ${name}`)).join(' | ')
    const kind = `${value === 'optional' ? 'optional ' : ''}${kindOf(candidates)}`
    return [`    ${patterns}) kind=${shellQuote(kind)} ;;`]
  })
}

function operandCases({ path, operands, variadic }: CommandNode): string[] {
  return operands.map((candidates, index) => {
    const number = variadic && index === operands.length - 1 ? '*' : String(index)
    return `    ${shellQuote(`${path}:`)}${number}) kind=${shellQuote(kindOf(candidates))} ;;`
  })
}

function flagWords({ flags }: CommandNode): string {
  return flags.flatMap(({ names }) => names).join(' ')
}

function kindOf(candidates: Candidates): string {
  return candidates.kind === 'choices' ? candidates.choices.join(' ') : candidates.kind
}
