import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command as dfdaemon } from '../../dfdaemon/command.ts'
import { createDfgetCommand } from '../../dfget/cli/command.ts'
import { commandTree } from '../../lib/completion/command-tree.ts'
import { COMPLETIONS } from '../../lib/completion/completion-command.ts'
import { run } from '../helpers/process.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const MANUALS = fileURLToPath(new URL('../../docs/man/', import.meta.url))
const TYPE_KEYS = fileURLToPath(new URL('shells/type-keys.zsh', import.meta.url))
const TREES = [commandTree(createDfgetCommand(process)), commandTree(dfdaemon)]
const TIMEOUT_MS = 60_000

/** A program that shows the arguments it was called with, in bash and zsh. */
const ECHOES = TREES.map(({ path }) => `${path}() { printf 'GOT<'; printf '%s|' "$@"; printf '>END\\n'; }\n`).join('')

/** Keys that are typed at a prompt, and the arguments that the program then gets. */
const TYPED: readonly (readonly [string, readonly string[]])[] = [
  ['dfget --log-le\\tdeb\\t', ['--log-level', 'debug']],
  ['dfget --log-level=deb\\t', ['--log-level=debug']],
  ['dfget -O li\\t', ['-O', 'list.txt']],
  ['dfget -O two\\t', ['-O', 'two words.txt']],
  ['dfget comp\\tz\\t', ['completion', 'zsh']],
  ['dfget imp\\tli\\t --rep\\t', ['import', 'list.txt', '--replicas']],
  ['dfget http://x:1/y --qu\\t', ['http://x:1/y', '--quiet']],
  ['dfget http://x:1/y comp\\t', ['http://x:1/y', 'comp']],
  ['dfget --supernode http://a:1 comp\\tf\\t', ['--supernode', 'http://a:1', 'completion', 'fish']],
  ['dfdaemon store ver\\t', ['store', 'verify']],
  ['dfdaemon store rm --js\\t', ['store', 'rm', '--json']],
  ['dfdaemon install dock\\t --ca li\\t', ['install', 'docker', '--ca', 'list.txt']],
  ['dfdaemon --config li\\t exp\\t', ['--config', 'list.txt', 'explain']],
]

let scratch: Awaited<ReturnType<typeof createScratchDirectory>>

beforeAll(async () => {
  assertClientRequirements()
  scratch = await createScratchDirectory()
  await mkdir(join(scratch.path, 'models'))
  for (const file of ['list.txt', 'two words.txt']) await writeFile(join(scratch.path, file), '')
})

afterAll(() => scratch?.[Symbol.asyncDispose]())

/** The scripts of all programs for a shell, in one file. */
function scripts(shell: keyof typeof COMPLETIONS): string {
  return TREES.map(COMPLETIONS[shell]).join('\n')
}

/** The arguments that programs get when these keys are typed into a shell in a terminal. */
async function typeInto(shell: string, keys: readonly string[]): Promise<string[][]> {
  const env = { ...process.env, ZDOTDIR: scratch.path, TERM: 'dumb' }
  const options = { cwd: scratch.path, env, timeoutMs: TIMEOUT_MS }
  const { stdout } = await run('zsh', ['-f', TYPE_KEYS, shell, ...keys], options)
  return stdout
    .trimEnd()
    .split('\n')
    .map(line => line.trim().split('|').slice(0, -1))
}

describe('in a terminal', () => {
  test('bash completes', async () => {
    await writeFile(join(scratch.path, 'bashrc'), `PS1='READY> '\n${scripts('bash')}\n${ECHOES}`)
    const given = await typeInto(
      'bash --noprofile --rcfile bashrc -i',
      TYPED.map(([keys]) => keys),
    )
    expect(given).toEqual(TYPED.map(([, expected]) => expected))
  })

  test('zsh completes', async () => {
    const start = "PS1='READY> '\nautoload -Uz compinit\ncompinit -u -D\n"
    await writeFile(join(scratch.path, '.zshrc'), `${start}${scripts('zsh')}\n${ECHOES}`)
    const given = await typeInto(
      'zsh -d -i',
      TYPED.map(([keys]) => keys),
    )
    // It puts a value behind = where bash leaves a space.
    const expected = TYPED.map(([keys, args]) => (keys.includes('--log-le\\t') ? ['--log-level=debug'] : args))
    expect(given).toEqual(expected)
  })
})

test('zsh loads the script from its function path', async () => {
  await writeFile(join(scratch.path, '_dfget'), COMPLETIONS.zsh(commandTree(createDfgetCommand(process))))
  const start = `PS1='READY> '\nfpath=(${scratch.path} $fpath)\nautoload -Uz compinit\ncompinit -u -D\n`
  await writeFile(join(scratch.path, '.zshrc'), `${start}${ECHOES}`)
  expect(await typeInto('zsh -d -i', ['dfget comp\\tb\\t'])).toEqual([['completion', 'bash']])
})

test.each([
  ['dfget --log-level d', ['debug']],
  ['dfget --log-level=d', ['--log-level=debug']],
  ['dfget ', ['completion', 'export', 'import', 'rm', 'stat']],
  ['dfget import l', ['list.txt']],
  ['dfget import list.txt --re', ['--replicas']],
  ['dfget -O l', ['list.txt']],
  ['dfget --data-dir ', ['models/']],
  ['dfget --supernode ', []],
  ['dfget completion ', ['bash', 'fish', 'zsh']],
  ['dfget -O completion comp', ['completion']],
  ['dfget http://x:1/y comp', []],
  ['dfget http://x:1/y --qu', ['--quiet']],
  ['dfdaemon store ', ['gc', 'ls', 'pin', 'rm', 'unpin', 'verify']],
  ['dfdaemon store ls --', ['--daemon', '--help', '--json', '--token-file']],
  ['dfdaemon install docker --ca l', ['list.txt']],
])('fish completes "%s"', async (line, expected) => {
  const script = join(scratch.path, 'completion.fish')
  await writeFile(script, scripts('fish'))
  const asked = ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script, line]
  const { stdout } = await run('fish', asked, { cwd: scratch.path, timeoutMs: TIMEOUT_MS })
  const words = stdout.split('\n').filter(text => text !== '')
  expect(words.map(text => text.split('\t')[0])).toEqual(expected)
})

test('mandoc finds nothing wrong with the manual pages but that they have no date', async () => {
  const pages = (await readdir(MANUALS)).toSorted()
  expect(pages).toEqual(['dfdaemon.1', 'dfget.1', 'registry-mock.1', 'supernode.1'])
  for (const page of pages) {
    // It exits with 2 for any warning, and says it on standard output.
    const lint = 'mandoc -T lint -W warning "$1" || [ $? -le 2 ]'
    const { stdout } = await run('sh', ['-c', lint, 'sh', join(MANUALS, page)])
    expect(stdout.split('\n').filter(line => line !== '' && !line.includes('missing date'))).toEqual([])
    const { stdout: shown } = await run('mandoc', ['-T', 'html', join(MANUALS, page)])
    expect(shown).toContain('id="EXIT_STATUS"')
  }
})
