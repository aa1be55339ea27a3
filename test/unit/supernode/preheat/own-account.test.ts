import { expect, test } from 'vitest'
import { DamselflyError, type ErrorCode } from '../../../../protocol/errors.ts'
import { elseAsOurselves, type Login } from '../../../../supernode/preheat/own-account.ts'

const JOBS: Login = { headers: { authorization: 'Bearer expired' } }
const OWN: Login = { headers: {} }

/** An origin that refuses some, with these codes, and whom it was asked as. */
function originThat(refusals: { readonly jobs?: ErrorCode; readonly own?: ErrorCode }) {
  const asked: Login[] = []
  const ask = async (login: Login) => {
    asked.push(login)
    const code = Object.keys(login.headers).length > 0 ? refusals.jobs : refusals.own
    if (code !== undefined) throw new DamselflyError(code, `the ${asked.length}. answer`)
    return 'content'
  }
  return { asked, ask }
}

test('what the job brought is used while it is taken', async () => {
  const { asked, ask } = originThat({ own: 'DENIED' })
  expect(await elseAsOurselves(JOBS, ask)).toBe('content')
  expect(asked).toEqual([JOBS])
})

test.for(['UNAUTHORIZED', 'DENIED'] as const)('after %s the own account is', async code => {
  const { asked, ask } = originThat({ jobs: code })
  expect(await elseAsOurselves(JOBS, ask)).toBe('content')
  expect(asked).toEqual([JOBS, OWN])
})

test('where both are refused, what the job brought is to be mended', async () => {
  const { ask } = originThat({ jobs: 'UNAUTHORIZED', own: 'DENIED' })
  await expect(elseAsOurselves(JOBS, ask)).rejects.toMatchObject({ code: 'UNAUTHORIZED', detail: 'the 1. answer' })
})

test('what went wrong under the own account is said, if it is no refusal', async () => {
  const { ask } = originThat({ jobs: 'UNAUTHORIZED', own: 'ORIGIN_UNREACHABLE' })
  await expect(elseAsOurselves(JOBS, ask)).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
})

test.for<[Login, { jobs?: ErrorCode; own?: ErrorCode }]>([
  [JOBS, { jobs: 'ORIGIN_UNREACHABLE' }],
  [OWN, { own: 'UNAUTHORIZED' }],
])('%j is not tried otherwise after %j', async ([login, refusals]) => {
  const { asked, ask } = originThat(refusals)
  await expect(elseAsOurselves(login, ask)).rejects.toThrow('the 1. answer')
  expect(asked).toEqual([login])
})
