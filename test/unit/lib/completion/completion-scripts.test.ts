import { describe, expect, test } from 'vitest'
import { commandTree } from '../../../../lib/completion/command-tree.ts'
import { createCompletionCommand } from '../../../../lib/completion/completion-command.ts'
import { fishCompletion } from '../../../../lib/completion/fish-completion.ts'
import { zshCompletion } from '../../../../lib/completion/zsh-completion.ts'
import { completedProgram } from '../../../helpers/completed-program.ts'

// Whether the scripts do what they should is seen in real shells, in test/clients/dfget-shells.test.ts.
const tree = commandTree(completedProgram())

test('the tree has what the help shows', () => {
  expect(tree.commands.map(({ path }) => path)).toEqual(['my-tool box', 'my-tool use'])
  expect(tree.flags.map(({ names }) => names.at(-1))).toEqual([
    '--version',
    '--config',
    '--color',
    '--header',
    '--output',
    '--data-dir',
    '--quiet',
    '--help',
  ])
  expect(tree.commands[1]).toMatchObject({
    description: 'Uses a thing',
    flags: [{ names: ['-h', '--help'] }],
    operands: [{ kind: 'choices', choices: ['this', 'that'] }],
  })
})

describe('zsh', () => {
  const script = zshCompletion(tree)

  test.each([
    `'--color=[it'\\''s]:value:(red green)'`,
    `'*-H+[\\[a\\]\\: b]:value:()'`,
    `'(-O --output)--output=[where]:file:_files'`,
    `'--data-dir=[store]:directory:_files -/'`,
    `'--quiet[say less]'`,
    `'use:Uses a thing'`,
    `_my_tool_box_put() {`,
    `'1:file:_files'`,
  ])('has %s', text => {
    expect(script).toContain(text)
  })

  test('takes a value that may be left out only after =', () => {
    expect(zshCompletion(commandTree(completedProgram({ plainBooleans: false })))).toContain(
      `'--quiet=-[say less]::value:(true false)'`,
    )
  })
})

describe('fish', () => {
  const script = fishCompletion(tree)
  const at = String.raw`complete -c my-tool -n '__my_tool_at \'my-tool\'`

  test.each([
    String.raw`${at}' -l color -x -a 'red green' -d 'it\'s'`,
    `${at}' -s H -l header -x -d '[a]: b'`,
    `${at}' -s O -l output -r -F -d 'where'`,
    `${at} 0' -a 'use' -d 'Uses a thing'`,
    String.raw`-n '__my_tool_at \'my-tool box put\' 0' -F`,
    String.raw`-n '__my_tool_at \'my-tool use\' 0' -a 'this that'`,
  ])('has %s', text => {
    expect(script).toContain(text)
  })
})

test.each(['bash', 'zsh', 'fish'])('completion %s prints the script of the whole program', async shell => {
  const printed: string[] = []
  const command = completedProgram().addCommand(
    createCompletionCommand({ stdout: { write: text => printed.push(text) } }),
  )
  await command.parseAsync(['node', 'my-tool', 'completion', shell])
  expect(printed.join('')).toContain(`# ${shell} completion of my-tool`)
})
