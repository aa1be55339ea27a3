import { expect, test } from 'vitest'
import type { CertificateAuthority } from '../../../../dfdaemon/intercept/certificate-authority.ts'
import { makeCertificateAuthority, makeLeaf } from '../../../../dfdaemon/intercept/certificates.ts'
import { createServerContexts } from '../../../../dfdaemon/intercept/server-contexts.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { validNow } from './intercept-fixture.ts'

const RENEW_AFTER_MS = 1_000

async function createContexts() {
  const clock = createManualClock()
  // The cache takes a time of zero for none.
  clock.advance(1)
  const authority = await makeCertificateAuthority(['example'], validNow())
  const issued: string[] = []
  const failing = new Set<string>()
  const fake: CertificateAuthority = {
    certificate: authority.certificate,
    async issue(host) {
      issued.push(host)
      if (failing.has(host)) throw new Error('no certificate today')
      return { ...(await makeLeaf(authority, host, validNow())), renewAfterMs: RENEW_AFTER_MS }
    },
  }
  return { contexts: createServerContexts(fake, clock), clock, issued, failing }
}

test('a host has one context, however many ask for it at once', async () => {
  const { contexts, issued } = await createContexts()
  const [first, ...rest] = await Promise.all(Array.from({ length: 10 }, () => contexts.get('a.example')))
  expect(rest.every(context => context === first)).toBe(true)
  expect(await contexts.get('a.example')).toBe(first)
  expect(await contexts.get('b.example')).not.toBe(first)
  expect(issued).toEqual(['a.example', 'b.example'])
})

test('a context is replaced when its certificate is to be renewed', async () => {
  const { contexts, clock, issued } = await createContexts()
  const first = await contexts.get('a.example')
  clock.advance(RENEW_AFTER_MS - 1)
  expect(await contexts.get('a.example')).toBe(first)
  clock.advance(2)
  expect(await contexts.get('a.example')).not.toBe(first)
  expect(issued).toHaveLength(2)
})

test('a certificate that could not be made is tried again', async () => {
  const { contexts, failing } = await createContexts()
  failing.add('a.example')
  await expect(contexts.get('a.example')).rejects.toThrow('no certificate today')
  failing.clear()
  await contexts.get('a.example')
})
