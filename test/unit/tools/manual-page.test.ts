import { Command } from 'commander'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { type Manual, manualPage } from '../../../tools/docs/manual-page.ts'
import { bold, macroArgument, roff } from '../../../tools/docs/roff.ts'
import { CompletedSchema, completedProgram } from '../../helpers/completed-program.ts'

test.each([
  ['--a-b', '\\-\\-a\\-b'],
  ['.config', '\\&.config'],
  ["'quoted'", '\\(aqquoted\\(aq'],
  ['a\\b', 'a\\eb'],
  ['~/`x`^', '\\(ti/\\(gax\\(ga\\(ha'],
  ['sha256:… 🎈', 'sha256:\\[u2026] \\[u1F388]'],
  [' two\n  lines ', 'two lines'],
])('roff shows %j as it is', (text, expected) => {
  expect(roff(text)).toBe(expected)
})

test('text in a macro keeps its quotes, and bold its hyphens', () => {
  expect(macroArgument('a "b" -c')).toBe('"a \\(dqb\\(dq \\-c"')
  expect(bold('-c')).toBe('\\fB\\-c\\fR')
})

describe('manualPage', () => {
  const page = pageOf({})

  test.each([
    ['the version and no date', '.TH "MY\\-TOOL" 1 "" "damselfly 1.2.3" "User Commands"\n'],
    ['its name', '.SH NAME\nmy\\-tool \\- be a tool\n'],
    ['each way to call it', '\\fBmy\\-tool box put\\fR [\\fIoption\\fR...] \\fIfile\\fR\n'],
    [
      'an option with its variable, key and default',
      '.TP\n\\fB\\-\\-color\\fR \\fIvalue\\fR\nit\\(aqs; more.\n.br\n' +
        '(environment \\fBMY_TOOL_COLOR\\fR, key \\fBcolor\\fR, default \\fBred\\fR)\n',
    ],
    ['the default of a switch', '(environment \\fBMY_TOOL_QUIET\\fR, key \\fBquiet\\fR, default \\fBfalse\\fR)'],
    ['that switches have a negation', '\\fB\\-\\-no\\-\\fR'],
    ['subcommands with their options', '.SS "my\\-tool box put"\n'],
    ['choices', 'One of \\fBthis\\fR, \\fBthat\\fR.'],
    ['variables', '\\fBHOME\\fR\nwhere\n'],
    ['files', '\\fB\\(ti/x\\fR\nwhat\n'],
    ['exit statuses', '.TP\n\\fB0\\fR\ndone\n'],
    ['examples', '.TP\n\\fBmy\\-tool \\-O \\- x\\fR\nShows.\n'],
    ['other pages', '\\fBcurl\\fR(1), \\fBother\\-tool\\fR(1)\n'],
  ])('has %s', (_, text) => {
    expect(page).toContain(text)
  })

  test('has no section for what is not there, no hidden option and no help command', () => {
    const small = pageOf({ command: new Command('my-tool').description('A tool.'), examples: [] })
    expect(small).not.toMatch(/EXAMPLES|COMMANDS/)
    expect(page).not.toMatch(/secret|dataDir\\fR </)
    expect(page).not.toContain('my\\-tool help')
  })

  test('names the settings that only a file can hold', () => {
    const schema = Type.Object({ upstreams: Type.Record(Type.String(), Type.String(), { description: 'registries' }) })
    expect(pageOf({ schema })).toContain('.TP\n\\fBupstreams\\fR\nregistries.\n')
  })
})

function pageOf(other: Partial<Manual>): string {
  return manualPage(
    {
      command: completedProgram(),
      schema: CompletedSchema,
      purpose: 'be a tool',
      exitStatuses: [[0, 'done']],
      environment: [['HOME', 'where']],
      files: [['~/x', 'what']],
      examples: [{ line: 'my-tool -O - x', meaning: 'Shows.' }],
      seeAlso: ['curl(1)', 'other-tool(1)'],
      ...other,
    },
    '1.2.3',
  )
}
