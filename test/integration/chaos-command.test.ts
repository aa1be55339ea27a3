import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startProcess } from '../helpers/process.ts'

const MAIN = fileURLToPath(new URL('../chaos/main.ts', import.meta.url))

async function chaos(
  flags: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<{ code: number | null; words: string }> {
  await using child = await startProcess(process.execPath, [MAIN, ...flags], env === undefined ? {} : { env })
  const { code } = await child.exited
  expect(child.stdout.text()).toBe('')
  return { code, words: child.stderr.text() }
}

test.each([
  [['--minutes', '1'], 'minutes'],
  [['--minutes', 'long'], 'minutes'],
  [['--seed', '-1'], 'seed'],
  [['--seed', '1.5'], 'seed'],
  [['--nodes', '2'], 'nodes'],
])('chaos %j is refused, by the name of the setting', async (flags, setting) => {
  const { code, words } = await chaos(flags)
  expect(code).toBe(1)
  expect(words.trimEnd().split('\n')).toHaveLength(1)
  expect(words).toContain(setting)
})

test('chaos says what the machine lacks, and what to do', async () => {
  const { code, words } = await chaos([], { PATH: '/nowhere' })
  expect(code).toBe(1)
  expect(words.trimEnd().split('\n')).toHaveLength(1)
  expect(words).toMatch(/missing here: .+\. Run it as root, or with sudo/)
})
