import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HARBOR_TOKEN, NGINX, NGINX_DIGEST, v2Body } from '../helpers/harbor-bodies.ts'
import {
  createDragonflyV1Driver,
  createDragonflyV2Driver,
  createKrakenDriver,
  type HarborInit,
} from '../helpers/harbor-driver.ts'
import { createPreheatClient, OPERATOR, type PreheatClient } from '../helpers/preheat-client.ts'
import { createPreheatServer, type PreheatServer } from '../helpers/preheat-server.ts'

const IMAGE = 'harbor.example.com/library/nginx:1.27'

let server: PreheatServer
let client: PreheatClient
const ask: PreheatClient['ask'] = (...asked) => client.ask(...asked)

beforeEach(async () => {
  server = await createPreheatServer()
  await server.http.start()
  client = await createPreheatClient(server)
})

afterEach(async () => {
  await server.http.stop()
  // Whatever was said, to whomever.
  expect(`${client.answered()}\n${server.log.text()}`).not.toContain(HARBOR_TOKEN)
})

/** How Harbor reaches the supernode, in virtual time. @param each called before each poll, with the seconds since the start */
function harbor(each: (seconds: number) => void = () => {}, init: Partial<HarborInit> = {}): HarborInit {
  const { clock, http } = server
  return {
    endpoint: http.url(),
    headers: OPERATOR,
    clock,
    async sleep(ms) {
      clock.advance(ms)
      each(Math.round(clock.now() / 1000))
    },
    ...init,
  }
}

const finish = () => server.preheats.change({ state: 'succeeded', endedAt: server.clock.wallTime() })

describe.for([
  ['2.12 and later', (init: HarborInit) => createDragonflyV2Driver(init)],
  ['2.3 to 2.11', (init: HarborInit) => createDragonflyV1Driver(init, '2.11')],
  ['2.1 and 2.2', (init: HarborInit) => createDragonflyV1Driver(init, '2.2')],
] as const)('Harbor %s with a Dragonfly instance', ([, create]) => {
  test('sees a job go on, and end well', async () => {
    const driver = create(
      harbor(seconds => {
        if (seconds === 20) server.preheats.change({ state: 'running' })
        if (seconds === 40) finish()
      }),
    )
    expect(await driver.preheat(NGINX)).toEqual({ status: 'Success', error: '', polls: 4 })
    const headers = { Authorization: `Bearer ${HARBOR_TOKEN}` }
    expect(server.preheats.requests).toEqual([{ image: IMAGE, headers }])
  })

  test('says why a job has failed', async () => {
    const reason = { code: 'MANIFEST_UNKNOWN', message: 'there is no such tag' }
    const driver = create(harbor(() => server.preheats.change({ state: 'failed', endedAt: 1, reason })))
    expect(await driver.preheat(NGINX)).toEqual({
      status: 'Error',
      error: 'MANIFEST_UNKNOWN: there is no such tag',
      polls: 1,
    })
  })

  test('sees that somebody has cancelled a job', async () => {
    const driver = create(harbor(() => void server.preheats.cancel(1)))
    expect(await driver.preheat(NGINX)).toEqual({ status: 'Error', error: 'it was cancelled', polls: 1 })
  })

  test('takes a job that stands for done', async () => {
    const driver = create(harbor(() => server.preheats.change({ state: 'standing' })))
    expect(await driver.preheat(NGINX)).toMatchObject({ status: 'Success', polls: 1 })
  })

  test('waits for 1801 s, and no longer', async () => {
    const driver = create(harbor())
    expect(await driver.preheat(NGINX)).toEqual({ status: 'Error', error: 'status check timeout: 1801 s', polls: 180 })
  })

  test('succeeds in the last of its polls', async () => {
    const driver = create(harbor(seconds => seconds === 1800 && finish()))
    expect(await driver.preheat(NGINX)).toMatchObject({ status: 'Success', polls: 180 })
  })

  test('gives up when one answer takes longer than 30 s', async () => {
    const { get } = server.preheats
    server.preheats.get = id => {
      server.clock.advance(30_001)
      return get(id)
    }
    expect(await create(harbor()).preheat(NGINX)).toEqual({
      status: 'Error',
      error: 'Client.Timeout exceeded',
      polls: 1,
    })
  })

  test('gives up when the job is not known any more', async () => {
    const driver = create(
      harbor(() => {
        server.preheats.get = () => undefined
      }),
    )
    expect(await driver.preheat(NGINX)).toMatchObject({
      status: 'Error',
      error: expect.stringContaining('404'),
      polls: 1,
    })
  })

  test('gets the same job for the same image, and a new one when that is over', async () => {
    const first = create(harbor()).preheat(NGINX)
    const second = create(harbor(seconds => seconds > 100 && finish())).preheat(NGINX)
    expect([(await first).status, (await second).status]).toEqual(['Success', 'Success'])
    expect(server.preheats.list()).toHaveLength(1)
    const again = create(harbor(() => server.preheats.change({ state: 'succeeded', endedAt: 1 }, 2)))
    expect(await again.preheat(NGINX)).toMatchObject({ status: 'Success', polls: 1 })
    expect(server.preheats.list()).toHaveLength(2)
  })

  test.for([
    ['no token', {}],
    ['a viewer', { authorization: 'Bearer dmsl_viewer' }],
    ['BASIC with the token as its password', { authorization: `Basic ${btoa('password:dmsl_operator')}` }],
  ] as const)('is refused with %s, though it looks healthy', async ([, headers]) => {
    const driver = create(harbor(() => {}, { headers }))
    expect(await driver.isHealthy()).toBe(true)
    expect(await driver.preheat(NGINX)).toMatchObject({
      status: 'Error',
      error: expect.stringMatching(/^40[13]/),
      polls: 0,
    })
    expect(server.preheats.requests).toEqual([])
  })

  test('may have a slash at the end of its endpoint', async () => {
    const driver = create(harbor(finish, { endpoint: `${server.http.url()}/` }))
    expect(await driver.preheat(NGINX)).toMatchObject({ status: 'Success' })
  })
})

describe('Harbor from 2.13 on', () => {
  test.for([
    ['single_seed_peer', 'supernode'],
    ['all_seed_peers', 'supernodes'],
    ['all_peers', 'all'],
    ['single_peer', 'supernode'],
  ] as const)('says by its policy who shall have it: %s', async ([scope, expected]) => {
    expect(await createDragonflyV2Driver(harbor(finish), scope).preheat(NGINX)).toMatchObject({ status: 'Success' })
    expect(server.preheats.requests).toMatchObject([{ image: IMAGE, scope: expected }])
  })
})

describe('Harbor with a Kraken instance', () => {
  test('has done all when its event is taken', async () => {
    expect(await createKrakenDriver(harbor()).preheat(NGINX)).toEqual({ status: 'Success', error: '', polls: 0 })
    expect(server.preheats.requests).toEqual([{ image: `harbor.example.com/library/nginx@${NGINX_DIGEST}` }])
  })

  test('is refused without a token, though it looks healthy', async () => {
    const driver = createKrakenDriver(harbor(() => {}, { headers: {} }))
    expect([await driver.isHealthy(), (await driver.preheat(NGINX)).status]).toEqual([true, 'Error'])
  })
})

test('whoever reads jobs need not be an operator', async () => {
  await ask('/oapi/v1/jobs', v2Body(NGINX))
  const headers = { authorization: 'Bearer dmsl_viewer' }
  for (const path of ['/oapi/v1/jobs/1', '/preheats', '/preheats/1', '/api/v1/preheats/1']) {
    expect((await ask(path, undefined, { headers })).status).toBe(200)
    expect((await ask(path, undefined, { headers: {} })).status).toBe(401)
  }
  expect((await ask('/preheats/1', undefined, { headers, method: 'DELETE' })).status).toBe(403)
})
