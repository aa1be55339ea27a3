import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPreheatCommand } from '../../supernode/preheat-command/preheat-command.ts'
import { createPreheatServer, type PreheatServer } from '../helpers/preheat-server.ts'
import { waitFor } from '../helpers/wait.ts'

const IMAGE = 'registry.example/team/app:v1'

let server: PreheatServer
let output: string

beforeEach(async () => {
  server = await createPreheatServer({ trial: true })
  await server.http.start()
  output = ''
})

afterEach(() => server.http.stop())

async function run(args: readonly string[], stdin: readonly string[] = []): Promise<string> {
  const defaults = () => ({ operatorSocket: '', url: () => server.http.url() })
  const stdout = {
    write(text: string) {
      output += text
    },
  }
  const command = createPreheatCommand(
    { defaults },
    { stdin: Readable.from(stdin.map(text => Buffer.from(text))), stdout },
  )
  await command.exitOverride().parseAsync([...args], { from: 'user' })
  return output
}

test('starts a job, and shows it, lists it and ends it', async () => {
  expect(await run([IMAGE])).toMatch(/^preheat 1: .* to all, pending after/)
  output = ''
  expect(await run(['ls'])).toMatch(/^ID +STATE .*\n1 +pending/)
  output = ''
  expect(JSON.parse(await run(['show', '1', '--json']))).toMatchObject({ id: 1, state: 'pending' })
  output = ''
  expect(await run(['cancel', '1'])).toBe('preheat 1 is cancelled\n')
  await expect(run(['show', '2'])).rejects.toMatchObject({ code: 'PREHEAT_UNKNOWN' })
})

test('sends what it is told', async () => {
  const flags = [
    '--scope',
    'count:2',
    '--platform',
    'linux/arm64',
    '--platform',
    'linux/amd64',
    '--deadline',
    '60',
    '--standing',
  ]
  await run([IMAGE, ...flags, '--username', 'user', '--password-stdin'], ['hus', 'h\n', 'more'])
  expect(server.preheats.requests).toEqual([
    {
      image: IMAGE,
      scope: 'count:2',
      platforms: ['linux/arm64', 'linux/amd64'],
      standing: true,
      deadlineSeconds: 60,
      credentials: { username: 'user', password: 'hush' },
    },
  ])
  expect(output).not.toContain('hush')
})

test('waits for the end, and fails when the job does', async () => {
  const waiting = run(['--file', 'https://x.example/a', '--wait'])
  waiting.catch(() => {})
  await waitFor(() => server.preheats.requests.length > 0, { timeoutMs: 10_000 })
  const reason = { code: 'DENIED', message: 'it said no' }
  server.preheats.change({ state: 'failed', endedAt: Date.now(), reason })
  await expect(waiting).rejects.toMatchObject({ code: 'DENIED', detail: 'the preheat failed' })
  expect(output).toContain('DENIED: it said no')
})

test.each([
  ['nothing', []],
  ['an image and files', [IMAGE, '--file', 'https://x.example/a']],
  ['a user without a password', [IMAGE, '--username', 'user']],
  ['an empty password', [IMAGE, '--username', 'user', '--password-stdin']],
])('refuses %s', async (_what, args) => {
  await expect(run(args)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  expect(server.preheats.requests).toEqual([])
})
