import { describe, expect, it } from 'vitest'
import { DamselflyError, ERRORS, type ErrorCode, ociErrorBody, toDamselflyError } from '../../../protocol/errors.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]

describe('the error table', () => {
  it.each(CODES)('%s has a name, an error status and one sentence', code => {
    const { status, message } = ERRORS[code]
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
    expect(Number.isInteger(status) && status >= 400 && status < 600).toBe(true)
    expect(message).toMatch(/^[a-z].*[^.]$/)
  })

  it('calls what the server may get over retryable, and a bad request not', () => {
    for (const code of CODES) {
      const { status, retryable } = ERRORS[code]
      if (retryable) expect(status === 429 || status >= 500, code).toBe(true)
      if (status === 429 || status === 502 || status === 503) expect(retryable, code).toBe(true)
    }
  })

  it.each([
    ['BLOB_UNKNOWN', 404],
    ['DENIED', 403],
    ['DIGEST_INVALID', 400],
    ['MANIFEST_UNKNOWN', 404],
    ['RANGE_INVALID', 416],
    ['TOOMANYREQUESTS', 429],
    ['UNAUTHORIZED', 401],
    ['STORE_FULL', 507],
  ] as const)('%s answers %i', (code, status) => {
    expect(new DamselflyError(code).status).toBe(status)
  })
})

describe('DamselflyError', () => {
  it('says what happened and what to do', () => {
    const cause = new Error('cause')
    const error = new DamselflyError('STORE_FULL', 'free some space', { cause })
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('DamselflyError')
    expect(error.message).toBe('the block store has no room: free some space')
    expect([error.code, error.detail, error.retryable, error.cause]).toEqual([
      'STORE_FULL',
      'free some space',
      true,
      cause,
    ])
    expect(new DamselflyError('DENIED').message).toBe(ERRORS.DENIED.message)
  })

  it('becomes the OCI error form, with a detail only when there is one', () => {
    expect(ociErrorBody(new DamselflyError('NAME_INVALID', 'why'))).toEqual({
      errors: [{ code: 'NAME_INVALID', message: 'invalid repository name', detail: 'why' }],
    })
    expect(JSON.stringify(ociErrorBody(new DamselflyError('DENIED')))).not.toContain('detail')
  })

  it('passes through, and wraps everything else without showing it', () => {
    const error = new DamselflyError('DENIED')
    expect(toDamselflyError(error)).toBe(error)
    for (const thrown of [new TypeError('secret'), 'secret', undefined, null]) {
      const wrapped = toDamselflyError(thrown)
      expect([wrapped.code, wrapped.cause]).toEqual(['INTERNAL', thrown])
      expect(JSON.stringify(ociErrorBody(wrapped))).not.toContain('secret')
    }
  })
})
