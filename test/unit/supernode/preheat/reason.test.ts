import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { OriginError } from '../../../../lib/origin/origin-error.ts'
import { OutboundRefusal } from '../../../../lib/origin/outbound/outbound-refusal.ts'
import { DamselflyError, ERRORS, isErrorCode } from '../../../../protocol/errors.ts'
import { reasonOf } from '../../../../supernode/preheat/reason.ts'

const SETTING = /\b[a-z]+\.[a-z]+[A-Z]?[a-zA-Z]*\b/g

test('whatever setting a reason advises to change there is', async () => {
  const page = await readFile(new URL('../../../../docs/configuration.md', import.meta.url), 'utf8')
  const messages = Object.keys(ERRORS).map(code =>
    isErrorCode(code) ? reasonOf(new DamselflyError(code, '')).message : '',
  )
  const advised = messages.flatMap(message => message.match(SETTING) ?? [])
  expect(advised).toContain('store.maxBytes')
  expect(advised.filter(setting => !page.includes(`\`${setting}\``))).toEqual([])
})

test('what the registry has denied is a matter of the account, what the policy has denied is not', () => {
  expect(reasonOf(new OriginError('DENIED', 'harbor.example answered 403')).message).toMatch(/use another$/)
  const own = new OutboundRefusal('10.0.0.1 is private: allow it with outbound.allowNetworks')
  expect(reasonOf(own)).toEqual({ code: 'DENIED', message: own.message })
})
