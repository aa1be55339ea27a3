import { expect, test } from 'vitest'
import type { Origin, Source } from '../../../../../lib/origin/origin.ts'
import { createRegistryGate } from '../../../../../lib/origin/upstreams/registry-gate.ts'
import { fakeOrigin } from '../../../../helpers/fake-origin.ts'

const ACCOUNT = { username: 'robot$all', password: 'planted' }

function gateWith(registries: { allow: string[]; deny: string[] }) {
  const asked: Source[] = []
  const fake = fakeOrigin(new Uint8Array(10))
  const origin: Origin = {
    open: (source, options) => {
      asked.push(source)
      return fake.open(source, options)
    },
    check: source => {
      asked.push(source)
      return fake.check(source)
    },
  }
  const credentials = { forRegistry: async (name: string) => (name === 'harbor.example' ? ACCOUNT : undefined) }
  const upstreams = { 'harbor.example': { url: 'https://10.0.0.1:8443' } }
  return { asked, gate: createRegistryGate({ origin, credentials }, { upstreams, registries }) }
}

const ANY = { allow: [], deny: [] }
const URL_THERE = 'https://10.0.0.1:8443/v2/a/blobs/x'

test.each([
  ['nothing', {}, ACCOUNT],
  ['an empty user and password', { headers: { Authorization: 'Basic Og==' } }, ACCOUNT],
  ['an Authorization', { headers: { authorization: 'Bearer own' } }, undefined],
  ['an account', { credentials: { username: 'me', password: 'mine' } }, { username: 'me', password: 'mine' }],
])('a requester that shows %s is served under the right account', async (_, shown, credentials) => {
  const { gate, asked } = gateWith(ANY)
  await gate.check({ url: URL_THERE, headers: {}, ...shown })
  await gate.open({ url: URL_THERE, headers: {}, ...shown })
  expect(asked.map(source => source.credentials)).toEqual([credentials, credentials])
})

test('our account goes to no other registry', async () => {
  const { gate, asked } = gateWith(ANY)
  await gate.check({ url: 'https://10.0.0.1/v2/a/blobs/x', headers: {} })
  await gate.check({ url: 'http://10.0.0.1:8443/v2/a/blobs/x', headers: {} })
  expect(asked.map(source => source.credentials)).toEqual([undefined, undefined])
})

test.each([
  [ANY, 'https://files.example/a', true],
  [{ allow: ['harbor.example'], deny: [] }, URL_THERE, true],
  [{ allow: ['harbor.example'], deny: [] }, 'https://files.example/a', false],
  [{ allow: ['harbor.example'], deny: [] }, 'https://harbor.example/v2/a/blobs/x', true],
  [{ allow: ['docker.io'], deny: [] }, 'https://registry-1.docker.io/v2/a/blobs/x', true],
  [{ allow: [], deny: ['*.evil.example'] }, 'https://a.evil.example/v2/a/blobs/x', false],
])('under %o %s is read: %s', async (registries, url, served) => {
  const { gate, asked } = gateWith(registries)
  const denied = { code: 'DENIED' }
  if (served) await gate.check({ url, headers: {} })
  else {
    await expect(gate.check({ url, headers: {} })).rejects.toMatchObject(denied)
    await expect(gate.open({ url, headers: {} })).rejects.toMatchObject(denied)
  }
  expect(asked).toHaveLength(served ? 1 : 0)
})
