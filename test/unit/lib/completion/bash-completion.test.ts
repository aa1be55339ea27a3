import { expect, test } from 'vitest'
import { bashCompletion } from '../../../../lib/completion/bash-completion.ts'
import { commandTree } from '../../../../lib/completion/command-tree.ts'
import { completeInBash } from '../../../helpers/bash-completion.ts'
import { completedProgram } from '../../../helpers/completed-program.ts'

const SCRIPT = bashCompletion(commandTree(completedProgram()))

test.each([
  ['flags by their beginning', 'my-tool --c', ['--config', '--color']],
  ['nothing where nothing fits', 'my-tool --nothing', []],
  ['subcommands', 'my-tool ', ['box', 'use']],
  ['subcommands of subcommands', 'my-tool box ', ['put']],
  ['the flags of a subcommand', 'my-tool box put --', ['--mode', '--help']],
  ['choices', 'my-tool --color ', ['red', 'green']],
  ['a choice by its beginning', 'my-tool --color g', ['green']],
  ['a choice after =', 'my-tool --color=g', ['green']],
  ['all choices after =', 'my-tool --color=', ['red', 'green']],
  ['choices of an argument', 'my-tool use th', ['this', 'that']],
  ['nothing after the last argument', 'my-tool use this ', []],
  ['files for a flag', 'my-tool -O ', ['default']],
  ['files for an argument', 'my-tool box put ', ['default']],
  ['directories for a flag', 'my-tool --data-dir=', ['dirnames']],
  ['no files for a value of another kind', 'my-tool -H ', []],
  ['no subcommands after an argument', 'my-tool http://host:1/x ', []],
  ['flags after an argument', 'my-tool http://host:1/x --q', ['--quiet']],
  ['subcommands after a value with colons', 'my-tool -H http://host:1/x b', ['box']],
  ['subcommands after a value that is called like one', 'my-tool -O use b', ['box']],
  ['flags of the program before a subcommand', 'my-tool --quiet --color red us', ['use']],
  ['values of flags of the program, after a subcommand', 'my-tool use --color ', ['red', 'green']],
  ['no flags after --', 'my-tool -- --c', []],
  ['no hidden flags', 'my-tool use --s', []],
])('completes %s', async (_, line, expected) => {
  expect(await completeInBash(SCRIPT, '_my_tool', line)).toEqual(expected)
})

test('a value that may be left out is completed only after =', async () => {
  const script = bashCompletion(commandTree(completedProgram({ plainBooleans: false })))
  expect(await completeInBash(script, '_my_tool', 'my-tool --quiet b')).toEqual(['box'])
  expect(await completeInBash(script, '_my_tool', 'my-tool --quiet=f')).toEqual(['false'])
})
