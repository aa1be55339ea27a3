import { expect, onTestFinished, test } from 'vitest'
import { PeerLimitsConfig } from '../../../../dfget/peer/exchange/limits-config.ts'
import { createPeerLimits, type PeerLimits } from '../../../../dfget/peer/exchange/peer-limits.ts'
import { createHttpServer } from '../../../../lib/http/api-server.ts'
import { createLimitsCommand } from '../../../../lib/limits/limits-command.ts'
import { addLimitsRoutes } from '../../../../lib/limits/limits-route.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { claimedRole, testAccess } from '../../../helpers/api-access.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'

const MIB = 1024 * 1024
const INIT: PeerLimitsConfig = { upload: 50 * MIB, download: 0, perTask: 0, background: 0, concurrentUploads: 32 }

async function createApi(access = testAccess([claimedRole])) {
  const limits: PeerLimits = createPeerLimits(
    { clock: createManualClock(), metrics: { throttled: { inc() {} } } },
    INIT,
  )
  const http = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: 10_000,
    logger: silentLogger(),
    api: { title: 'test', description: 'limits' },
    access,
  })
  addLimitsRoutes(http.app, { limits, schema: PeerLimitsConfig })
  return { http, limits }
}

async function ask(
  method: 'GET' | 'PUT',
  { http }: Awaited<ReturnType<typeof createApi>>,
  payload?: unknown,
  role = 'operator',
) {
  const answer = await http.app.inject({
    method,
    url: '/api/v1/limits',
    headers: { 'x-role': role, ...(payload === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(payload === undefined ? {} : { payload: JSON.stringify(payload) }),
  })
  return { status: answer.statusCode, body: answer.json() as unknown }
}

test('limits are shown, and those that are given are changed', async () => {
  const api = await createApi()
  expect(await ask('GET', api)).toEqual({ status: 200, body: INIT })
  const changed = { ...INIT, upload: 1_000_000, perTask: 5 }
  expect(await ask('PUT', api, { upload: 1_000_000, perTask: 5 })).toEqual({ status: 200, body: changed })
  expect(await ask('PUT', api, { concurrentUploads: 0 })).toMatchObject({ body: { ...changed, concurrentUploads: 0 } })
  expect(await ask('PUT', api, {})).toMatchObject({ status: 200 })
  expect(api.limits.values()).toEqual({ ...changed, concurrentUploads: 0 })
  expect(api.limits.uploads.rate.bytesPerSecond).toBe(1_000_000)
})

test.for([
  [{ upload: -1 }, 'upload must be >= 0'],
  [{ download: 1e13 }, 'download must be <= 1000000000000'],
  [{ upload: 1e300 }, 'upload must be <= 1000000000000'],
  [{ perTask: 0.5 }, 'perTask must be integer'],
  [{ upload: '50MiB' }, 'upload must be integer'],
  [{ upload: null }, 'upload must be integer'],
  [{ concurrentUploads: 1e9 }, 'concurrentUploads must be <= 100000'],
  [{ upload: 5, speed: 5 }, 'there is no limit "speed", only upload, download, perTask, background, concurrentUploads'],
  [JSON.parse('{"__proto__":{"upload":5}}'), 'the request is malformed'],
  [[], 'the body must be a JSON object of limits'],
  ['text', 'the body must be a JSON object of limits'],
  [undefined, 'the body must be a JSON object of limits'],
] as const)('%j changes nothing', async ([payload, message]) => {
  const api = await createApi()
  const { status, body } = await ask('PUT', api, payload)
  expect({ status, body }).toMatchObject({ status: 400, body: { message: expect.stringContaining(message) } })
  expect(api.limits.values()).toEqual(INIT)
})

test('a viewer may see limits, but not change them, whatever the body', async () => {
  const api = await createApi()
  for (const payload of [{ upload: 5 }, { upload: -1 }, 'text']) {
    expect(await ask('PUT', api, payload, 'viewer')).toMatchObject({ status: 403, body: { code: 'DENIED' } })
  }
  expect(await ask('GET', api, undefined, 'viewer')).toEqual({ status: 200, body: INIT })
})

/** Runs `program limits` against a running API. */
async function run(...args: string[]): Promise<string> {
  const { http } = await createApi(testAccess())
  onTestFinished(() => http.stop())
  await http.start()
  let said = ''
  const stdout = { write: (text: string) => (said += text) }
  const init = { program: 'program', schema: PeerLimitsConfig, unreachable: 'DAEMON_UNREACHABLE' } as const
  const command = createLimitsCommand({ ...init, defaults: () => ({ operatorSocket: '', url: http.url }) }, { stdout })
  await command.parseAsync(['node', 'limits', ...args])
  return said
}

test('the command shows what is in force', async () => {
  expect(await run()).toBe(
    [
      'upload              50.0 MiB/s',
      'download              no limit',
      'perTask               no limit',
      'background            no limit',
      'concurrentUploads           32',
      '',
    ].join('\n'),
  )
})

test('the command changes what is given, with units', async () => {
  const said = await run('--per-task', '1.5MiB', '--upload', '0', '--concurrent-uploads', '4', '--json')
  expect(said).toBe(
    `${JSON.stringify({ upload: 0, download: 0, perTask: 1.5 * MIB, background: 0, concurrentUploads: 4 })}\n`,
  )
})

test.for([
  [['--upload', 'fast'], 'upload from the command line: "fast" is not a number'],
  [['--upload', '-5'], /^the request is malformed: upload must be >= 0$/],
  [['--download', '20T'], 'download must be <= 1000000000000'],
  [['--url', 'http://127.0.0.1:1'], 'the dfdaemon could not be reached: connect ECONNREFUSED'],
] as const)('the command fails with a clear message for %j', async ([args, message]) => {
  await expect(run(...args)).rejects.toThrow(message)
})
