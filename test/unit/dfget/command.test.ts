import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { createDfgetCommand, HELP_GROUPS, parseArguments } from '../../../dfget/cli/command.ts'
import { DfgetConfig } from '../../../dfget/config.ts'
import { configLeaves } from '../../../lib/config/leaves.ts'

test('every setting is in a group of the help', () => {
  const groups: readonly string[] = HELP_GROUPS
  const elsewhere = configLeaves(DfgetConfig).filter(({ group = '' }) => !groups.includes(group))
  expect(elsewhere.map(({ path }) => path.join('.'))).toEqual([])
})

test('the help has the groups in their order, and what concerns every command in the last', () => {
  const { streams } = collector()
  const help = createDfgetCommand(streams).helpInformation()
  const headings = help.match(/^[A-Z][\w ]+(?=:$)/gm)
  expect(headings).toEqual(['Arguments', ...HELP_GROUPS, 'Commands'])
  const last = help.slice(help.indexOf('This run:'), help.indexOf('Commands:'))
  for (const flag of ['--config', '--version', '--help', '--json']) expect(last).toContain(flag)
})

test.each([
  [['http://h/a', '--json', 'http://h/b']],
  [['-O', 'completion', 'http://h/a', 'http://h/b']],
  [['http://h/a', 'completion']],
])('%j is a download', async args => {
  const { streams, printed } = collector()
  const urls = args.filter(arg => arg !== '--json').slice(args[0] === '-O' ? 2 : 0)
  expect((await parseArguments(['node', 'dfget', ...args], streams))?.urls).toEqual(urls)
  expect(printed.join('')).toBe('')
})

test('no argument at all is a download too, of what --input-file names', async () => {
  expect(await parseArguments(['node', 'dfget', '-i', 'list'], collector().streams)).toMatchObject({ urls: [] })
})

test.each(['bash', 'zsh', 'fish'])('completion %s prints a script and downloads nothing', async shell => {
  const { streams, printed } = collector()
  expect(await parseArguments(['node', 'dfget', 'completion', shell], streams)).toBeUndefined()
  expect(printed.join('')).toContain('log-level')
})

test.each([
  [['completion'], "dfget: missing required argument 'shell'; dfget --help lists the options\n"],
  [
    ['completion', 'tcsh'],
    "dfget: command-argument value 'tcsh' is invalid for argument 'shell'. Allowed choices are bash, zsh, fish; " +
      'dfget --help lists the options\n',
  ],
])('%j is refused in one line', async (args, expected) => {
  const { streams, printed } = collector()
  await expect(parseArguments(['node', 'dfget', ...args], streams)).rejects.toThrow()
  expect(printed.join('')).toBe(expected)
})

function collector() {
  const printed: string[] = []
  const stream = { write: (text: string) => printed.push(text) }
  return { printed, streams: { stdin: Readable.from([]), stdout: stream, stderr: stream } }
}
