import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
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
