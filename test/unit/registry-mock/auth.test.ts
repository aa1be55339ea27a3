import { describe, expect, test } from 'vitest'
import type { RegistryMock } from '../../../registry-mock/create-registry-mock.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { BASIC, errorCode, startRegistryMock } from '../../helpers/registry-mock.ts'

const TAGS = 'library/demo/tags/list'
const PULL = 'repository:library/demo:pull'
const WRONG = { authorization: `Basic ${btoa('user:wrong')}` }

function get(registry: RegistryMock, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${registry.url}/${path}`, { headers })
}

async function tokenOf(response: Response): Promise<Record<string, string>> {
  const { token } = (await response.json()) as { token: string }
  return { authorization: `Bearer ${token}` }
}

function post(registry: RegistryMock, form: Record<string, string>): Promise<Response> {
  return fetch(`${registry.url}/token`, { method: 'POST', body: new URLSearchParams(form) })
}

describe('Basic', () => {
  test('every request needs the account', async () => {
    const registry = await startRegistryMock({ auth: { mode: 'basic' } })
    for (const headers of [{}, WRONG, { authorization: `Basic ${btoa(':')}` }, { authorization: 'Bearer x' }]) {
      const refused = await get(registry, 'v2/', headers as Record<string, string>)
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toBe('Basic realm="registry-mock"')
      expect(await errorCode(refused)).toBe('UNAUTHORIZED')
    }
    expect((await get(registry, 'v2/', BASIC)).status).toBe(200)
    // Past the check: the repository does not exist.
    expect((await get(registry, `v2/${TAGS}`, BASIC)).status).toBe(404)
    expect(registry.requests.map(request => request.authorization)).toEqual([false, true, true, true, true, true])
  })

  test('the account is the configured one', async () => {
    const registry = await startRegistryMock({ auth: { mode: 'basic', username: 'robot$demo', password: 'a:b' } })
    expect((await get(registry, 'v2/', { authorization: `Basic ${btoa('robot$demo:a:b')}` })).status).toBe(200)
    expect((await get(registry, 'v2/', BASIC)).status).toBe(401)
  })
})

describe('Bearer', () => {
  test('a challenge names realm, service and scope', async () => {
    const registry = await startRegistryMock({ auth: { mode: 'bearer' } })
    const challenge = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(`${registry.url}/v2/${path}`, init)
      expect(response.status).toBe(401)
      return response.headers.get('www-authenticate')
    }
    const common = `Bearer realm="${registry.url}/token",service="registry-mock"`
    expect(await challenge('')).toBe(common)
    expect(await challenge(TAGS)).toBe(`${common},scope="${PULL}"`)
    const push = `${common},scope="repository:library/demo:pull,push"`
    expect(await challenge('library/demo/blobs/uploads/', { method: 'POST' })).toBe(push)
    expect(await challenge(TAGS, { headers: BASIC })).toBe(`${common},scope="${PULL}",error="invalid_token"`)
  })

  test.each([
    ['GET', (registry: RegistryMock) => get(registry, `token?service=registry-mock&scope=${PULL}`, BASIC)],
    [
      'POST',
      (registry: RegistryMock) =>
        post(registry, { grant_type: 'password', username: 'user', password: 'password', scope: PULL }),
    ],
  ])('a token from %s grants the asked scope and no more', async (_, ask) => {
    const registry = await startRegistryMock({ auth: { mode: 'bearer', tokenLifetimeSeconds: 77 } })
    const response = await ask(registry)
    const answer = (await response.clone().json()) as Record<string, unknown>
    expect(answer.expires_in).toBe(77)
    expect(answer.access_token).toBe(answer.token)
    expect(Number.isNaN(Date.parse(String(answer.issued_at)))).toBe(false)
    const token = await tokenOf(response)
    expect((await get(registry, 'v2/', token)).status).toBe(200)
    expect((await get(registry, `v2/${TAGS}`, token)).status).toBe(404)
    const other = await get(registry, 'v2/library/other/tags/list', token)
    expect([other.status, other.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="insufficient_scope"'),
    ])
    const push = { method: 'POST', headers: token }
    expect((await fetch(`${registry.url}/v2/library/demo/blobs/uploads/`, push)).status).toBe(401)
  })

  test('several scopes may be asked for at once', async () => {
    const registry = await startRegistryMock({ auth: { mode: 'bearer' } })
    const scopes = 'scope=repository:a:pull&scope=repository:b:pull,push%20repository:c:pull&scope=registry:catalog:*'
    const token = await tokenOf(await get(registry, `token?${scopes}`, BASIC))
    for (const name of ['a', 'b', 'c']) expect((await get(registry, `v2/${name}/tags/list`, token)).status).toBe(404)
    expect((await get(registry, 'v2/d/tags/list', token)).status).toBe(401)
  })

  test('wrong credentials and other grants are refused', async () => {
    const registry = await startRegistryMock({ auth: { mode: 'bearer' } })
    const wrong = await get(registry, `token?scope=${PULL}`, WRONG)
    expect([wrong.status, await errorCode(wrong)]).toEqual([401, 'UNAUTHORIZED'])
    expect((await post(registry, { grant_type: 'password', username: 'user' })).status).toBe(401)
    expect((await post(registry, { grant_type: 'refresh_token', refresh_token: 'x' })).status).toBe(400)
    expect((await fetch(`${registry.url}/token`, { method: 'PUT' })).status).toBe(405)
    expect(registry.stats.snapshot().tokens.requests).toBe(4)
  })

  test('without credentials a token grants nothing, or pull where that is allowed', async () => {
    for (const [anonymousPull, status] of [
      [false, 401],
      [true, 404],
    ] as const) {
      const registry = await startRegistryMock({ auth: { mode: 'bearer', anonymousPull } })
      const token = await tokenOf(await get(registry, 'token?scope=repository:library/demo:pull,push'))
      expect((await get(registry, `v2/${TAGS}`, token)).status).toBe(status)
      const push = { method: 'POST', headers: token }
      expect((await fetch(`${registry.url}/v2/library/demo/blobs/uploads/`, push)).status).toBe(401)
    }
  })

  test('a token ends with its lifetime, and a changed one is none', async () => {
    const clock = createManualClock()
    const registry = await startRegistryMock({ auth: { mode: 'bearer', tokenLifetimeSeconds: 60 } }, { clock })
    const token = await tokenOf(await get(registry, `token?scope=${PULL}`, BASIC))
    const forged = { authorization: `Bearer ${btoa('{"access":[],"expiresAtMs":9e15}')}.AAAA` }
    expect((await get(registry, 'v2/', forged)).status).toBe(401)
    clock.advance(59_999)
    expect((await get(registry, 'v2/', token)).status).toBe(200)
    clock.advance(1)
    const late = await get(registry, 'v2/', token)
    expect(late.headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  test('the token endpoint can fail like the rest', async () => {
    const registry = await startRegistryMock({ auth: { mode: 'bearer' } })
    registry.faults.set([{ match: { kind: 'token', method: 'POST' }, action: 'status', status: 405 }])
    expect((await post(registry, { grant_type: 'password', username: 'user', password: 'password' })).status).toBe(405)
    expect((await get(registry, 'token', BASIC)).status).toBe(200)
  })
})
