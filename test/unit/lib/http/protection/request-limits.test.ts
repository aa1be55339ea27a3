import fastify, { type FastifyInstance } from 'fastify'
import { Value } from 'typebox/value'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Identity } from '../../../../../lib/http/access/identity.ts'
import { RequestLimitsConfig } from '../../../../../lib/http/protection/config.ts'
import {
  addAttemptLimits,
  addRequestLimits,
  createRequestLimits,
  type RequestLimit,
  TooManyRequests,
} from '../../../../../lib/http/protection/request-limits.ts'
import { DamselflyError } from '../../../../../protocol/errors.ts'
import { createManualClock, type ManualClock } from '../../../../helpers/manual-clock.ts'

/** What is written of the limits in a settings file. */
type Written = Partial<Record<RequestLimit, { perSecond: number; burst: number }>>

interface TestApi {
  readonly app: FastifyInstance
  readonly clock: ManualClock
  readonly refused: readonly RequestLimit[]
  /** @returns the status, with `Retry-After` where there is one */
  ask(options?: { url?: string; address?: string; token?: string }): Promise<string>
}

/** An API whose callers prove who they are by their token, `good…`, where it asks for one. */
function startApi(written: Written, { asksForIdentity = true } = {}): TestApi {
  const clock = createManualClock()
  const refused: RequestLimit[] = []
  const config = Value.Parse(RequestLimitsConfig, Value.Default(RequestLimitsConfig, written))
  const limits = createRequestLimits({ clock, refused: limit => refused.push(limit) }, config)
  const app = fastify()
  onTestFinished(() => app.close())
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof TooManyRequests) reply.header('retry-after', error.retryAfterSeconds)
    return reply.code(error instanceof DamselflyError ? error.status : 500).send({})
  })
  addAttemptLimits(app, limits)
  if (asksForIdentity) {
    app.decorateRequest('identity')
    app.addHook('onRequest', async request => {
      const token = request.headers.authorization
      if (token !== undefined && !token.startsWith('good')) throw new DamselflyError('UNAUTHORIZED')
      const identity: Identity = {
        kind: token === undefined ? 'anonymous' : 'token',
        id: token ?? request.ip,
        roles: new Set(),
      }
      Object.assign(request, { identity })
    })
  }
  addRequestLimits(app, limits)
  app.get('/', async () => 'answer')
  app.get('/origin', async () => {
    throw new DamselflyError('UNAUTHORIZED', 'said the origin')
  })
  app.get('/_ping', { config: { unlimited: true } }, async () => 'OK')
  return {
    app,
    clock,
    refused,
    async ask({ url = '/', address = '192.0.2.1', token } = {}) {
      const headers = token === undefined ? {} : { authorization: token }
      const { statusCode, headers: answered } = await app.inject({ url, remoteAddress: address, headers })
      const after = answered['retry-after']
      return after === undefined ? `${statusCode}` : `${statusCode} after ${after}`
    },
  }
}

describe('requests', () => {
  test('of one identity are limited, wherever they come from, and others are not', async () => {
    const { ask, clock, refused } = startApi({ perIdentity: { perSecond: 0.5, burst: 2 } })
    const asked = []
    for (const last of [1, 2, 3]) asked.push(await ask({ token: 'good a', address: `192.0.2.${last}` }))
    expect(asked).toEqual(['200', '200', '429 after 2'])
    expect([await ask({ token: 'good b' }), await ask()]).toEqual(['200', '200'])
    clock.advance(2_000)
    expect(await ask({ token: 'good a' })).toBe('200')
    expect(refused).toEqual(['perIdentity'])
  })

  test('of all identities together are limited, and those without one count apart', async () => {
    const { ask, refused } = startApi({ total: { perSecond: 1, burst: 2 }, anonymous: { perSecond: 1, burst: 1 } })
    const asked = []
    for (const token of ['good a', 'good b', 'good c']) asked.push(await ask({ token }))
    expect(asked).toEqual(['200', '200', '429 after 1'])
    expect([await ask({ address: '192.0.2.1' }), await ask({ address: '192.0.2.2' })]).toEqual(['200', '429 after 1'])
    expect(refused).toEqual(['total', 'anonymous'])
  })

  test('without an identity are limited by address, an IPv6 one by its network', async () => {
    const { ask } = startApi({ perAddress: { perSecond: 1, burst: 1 } })
    expect(await ask({ address: '2001:db8::1' })).toBe('200')
    expect(await ask({ address: '2001:db8::2' })).toBe('429 after 1')
    expect(await ask({ address: '2001:db8:0:1::1' })).toBe('200')
  })

  test('that tell whether the program lives are never limited', async () => {
    const { ask } = startApi({ perAddress: { perSecond: 1, burst: 1 } })
    for (let count = 0; count < 20; count++) expect(await ask({ url: '/_ping' })).toBe('200')
    expect(await ask()).toBe('200')
  })

  test('to an API that asks for no identity count by their address as if it were one', async () => {
    const { ask, refused } = startApi({ perIdentity: { perSecond: 1, burst: 2 } }, { asksForIdentity: false })
    expect([await ask(), await ask(), await ask(), await ask({ address: '192.0.2.2' })]).toEqual([
      '200',
      '200',
      '429 after 1',
      '200',
    ])
    expect(refused).toEqual(['perIdentity'])
  })

  test('of a recursive download of 10,000 files, 700 a second, are not limited by default', async () => {
    const { ask, clock } = startApi({})
    for (let file = 0; file < 10_000; file++) {
      if (file % 7 === 0) clock.advance(10)
      if ((await ask({ token: 'good node' })) !== '200') expect.fail(`file ${file} was refused`)
    }
  })
})

describe('guesses', () => {
  const written: Written = { failedAttempts: { perSecond: 0.1, burst: 3 } }

  test('are refused unseen after some, the right one too, until time has passed', async () => {
    const { ask, clock, refused } = startApi(written)
    for (const token of ['bad 1', 'bad 2', 'bad 3']) expect(await ask({ token })).toBe('401')
    expect(await ask({ token: 'bad 4' })).toBe('429 after 10')
    expect(await ask({ token: 'good a' })).toBe('429 after 10')
    expect(await ask()).toBe('429 after 10')
    expect(await ask({ token: 'good a', address: '192.0.2.2' })).toBe('200')
    clock.advance(10_000)
    expect([await ask({ token: 'good a' }), await ask({ token: 'bad 5' })]).toEqual(['200', '401'])
    expect(await ask({ token: 'bad 6' })).toBe('429 after 10')
    expect(refused).toEqual(Array.from({ length: 4 }, () => 'failedAttempts'))
  })

  test('are not what an origin refuses to somebody who is known', async () => {
    const { ask } = startApi(written)
    for (let count = 0; count < 10; count++) expect(await ask({ url: '/origin', token: 'good a' })).toBe('401')
    expect(await ask({ token: 'good a' })).toBe('200')
  })
})
