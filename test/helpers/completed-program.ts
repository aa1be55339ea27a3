import { Argument, Command, Option } from 'commander'
import { Type } from 'typebox'
import { createConfigCommand } from '../../lib/config/config-command.ts'

/** The settings of `completedProgram`. */
export const CompletedSchema = Type.Object({
  color: Type.Union([Type.Literal('red'), Type.Literal('green')], { default: 'red', description: "it's; more" }),
  header: Type.Array(Type.String(), { short: '-H', repeatable: true, default: [], description: '[a]: b' }),
  output: Type.Optional(Type.String({ short: '-O', placeholder: 'file', description: 'where' })),
  dataDir: Type.Optional(Type.String({ placeholder: 'dir', description: 'store' })),
  quiet: Type.Boolean({ default: false, description: 'say less' }),
})

/** A program with a bit of everything that a shell can complete: `my-tool [urls...]`, `my-tool box put FILE` and `my-tool use WHAT`. */
export function completedProgram({ plainBooleans = true } = {}): Command {
  const command = createConfigCommand('my-tool', 'A tool.', CompletedSchema, { plainBooleans }).argument('[urls...]')
  const box = new Command('box').description('Holds things.')
  box.addCommand(new Command('put').description('Puts a file.').argument('<file>').option('--mode <mode>', 'how'))
  const use = new Command('use').description('Uses a thing; or two.')
  use.addArgument(new Argument('<what>').choices(['this', 'that']))
  use.addOption(new Option('--secret <word>', 'hidden').hideHelp())
  return command
    .action(() => {})
    .addCommand(box)
    .addCommand(use)
}
