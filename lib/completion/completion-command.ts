import { Argument, Command } from 'commander'
import { bashCompletion } from './bash-completion.ts'
import { type CommandNode, commandTree } from './command-tree.ts'
import { fishCompletion } from './fish-completion.ts'
import { zshCompletion } from './zsh-completion.ts'

/** The shells whose completion there is, and what writes it. */
export const COMPLETIONS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const satisfies Record<string, (root: CommandNode) => string>

/** A subcommand `completion SHELL`, which prints the script that completes the whole program in a shell. */
export function createCompletionCommand({ stdout }: { stdout: { write(text: string): unknown } } = process): Command {
  const command = new Command('completion')
    .description('Prints the script that completes this command in a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(COMPLETIONS)))
  return command.action((shell: keyof typeof COMPLETIONS) => {
    stdout.write(COMPLETIONS[shell](commandTree(command.parent ?? command)))
  })
}
