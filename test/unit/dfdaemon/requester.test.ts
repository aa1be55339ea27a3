import { expect, test } from 'vitest'
import { requesterOf } from '../../../dfdaemon/proxy/requester.ts'
import { chooseUpstream } from '../../../dfdaemon/proxy/upstream.ts'

const OWN = { username: 'own', password: 'secret' }
const RULES = { defaultUpstream: 'docker.io', upstreams: {}, registries: { allow: [], deny: [] } }
const target = chooseUpstream('/v2/a/manifests/1', { ns: 'ghcr.io' }, RULES)
const signal = new AbortController().signal

function requester(authorization: string | undefined, known: Record<string, typeof OWN>) {
  return requesterOf(authorization, target, { forRegistry: async host => known[host] }, { signal })
}

test.for(['Basic dXNlcjpwYXNzd29yZA==', 'Bearer token'])('%s goes upstream instead of the own account', async sent => {
  expect(await requester(sent, { 'ghcr.io': OWN })).toEqual({ headers: { authorization: sent } })
})

test.for([undefined, '', 'Basic Og==', 'basic og==', 'Basic '])('"%s" is anonymous', async sent => {
  expect(await requester(sent, { 'ghcr.io': OWN })).toEqual({ headers: {}, credentials: OWN })
  expect(await requester(sent, { 'docker.io': OWN })).toEqual({ headers: {} })
})
