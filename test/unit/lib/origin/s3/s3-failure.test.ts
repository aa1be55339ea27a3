import { describe, expect, it } from 'vitest'
import { OriginError } from '../../../../../lib/origin/origin-error.ts'
import { explainS3Failure, type S3Attempt } from '../../../../../lib/origin/s3/s3-failure.ts'

const attempt: S3Attempt = {
  location: { bucket: 'bucket', key: 'a/b' },
  host: 'store.example',
  region: 'us-east-1',
  signed: true,
  permission: 's3:GetObject',
}

function answered(status: number, body: string): OriginError {
  return new OriginError('ORIGIN_FAILED', `store.example answered ${status}`, {
    originStatus: status,
    originBody: Buffer.from(body),
  })
}

const bodyOf = (code: string, more = '') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>m</Message>${more}<HostId>x</HostId></Error>`

describe('explainS3Failure', () => {
  it.each([
    [404, bodyOf('NoSuchKey'), 'BLOB_UNKNOWN', /^s3:\/\/bucket\/a\/b does not exist/],
    [404, bodyOf('NoSuchBucket'), 'BLOB_UNKNOWN', /no bucket bucket at store\.example; check its name, the endpoint/],
    [
      403,
      bodyOf('AccessDenied'),
      'DENIED',
      /does not let the account read s3:\/\/bucket\/a\/b: it needs s3:GetObject, or/,
    ],
    [403, '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>', 'UNAUTHORIZED', /clocks/],
    [403, bodyOf('SignatureDoesNotMatch'), 'UNAUTHORIZED', /AWS_SECRET_ACCESS_KEY belongs to AWS_ACCESS_KEY_ID/],
    [403, bodyOf('InvalidAccessKeyId'), 'UNAUTHORIZED', /does not know the access key/],
    [400, bodyOf('ExpiredToken'), 'UNAUTHORIZED', /temporary keys have ended; get new ones/],
    [403, bodyOf('RequestTimeTooSkewed'), 'UNAUTHORIZED', /set this machine's/],
    [
      400,
      bodyOf('AuthorizationQueryParametersError', '<Region>eu-west-1</Region>'),
      'REQUEST_INVALID',
      /AWS_REGION=eu-west-1$/,
    ],
    [
      301,
      bodyOf('PermanentRedirect', '<Endpoint>x</Endpoint>'),
      'REQUEST_INVALID',
      /check AWS_REGION and the endpoint$/,
    ],
    [403, bodyOf('InvalidObjectState'), 'DENIED', /archived; restore it/],
    [503, bodyOf('SlowDown'), 'TOOMANYREQUESTS', /try again later/],
    [500, bodyOf('InternalError'), 'ORIGIN_FAILED', /^store\.example answered 500 InternalError: m$/],
    [400, bodyOf('constructor'), 'ORIGIN_FAILED', /^store\.example answered 400 constructor: m$/],
  ])('makes of %i %s the error %s', async (status, body, code, detail) => {
    const before = answered(status, body)
    const error = await explainS3Failure(before, attempt)
    expect(error).toBeInstanceOf(OriginError)
    expect(error).toMatchObject({ code, detail: expect.stringMatching(detail), originStatus: status, cause: before })
    expect((error as OriginError).originBody).toBe(before.originBody)
  })

  it('says how to get keys where none were used, and what listing needs', async () => {
    const denied = answered(403, bodyOf('AccessDenied'))
    expect(await explainS3Failure(denied, { ...attempt, signed: false })).toMatchObject({
      detail: expect.stringMatching(
        /nobody without keys read .* set AWS_ACCESS_KEY_ID .* or a profile in ~\/\.aws\/credentials/,
      ),
    })
    expect(await explainS3Failure(denied, { ...attempt, permission: 's3:ListBucket' })).toMatchObject({
      detail: 'store.example does not let the account list the bucket bucket: it needs s3:ListBucket',
    })
  })

  it('shows what a store says on one line', async () => {
    const noisy = `<Error><Code>Odd</Code><Message>a\n\u001b[31m &lt;b&gt; ${'x'.repeat(999)}</Message></Error>`
    const error = await explainS3Failure(answered(400, noisy), attempt)
    expect(error).toMatchObject({ detail: expect.stringMatching(/ Odd: a \[31m <b> x{100,190}$/) })
  })

  it.each([
    '',
    'not XML',
    '<html><body>proxy</body></html>',
    '<Error><Code>two words</Code></Error>',
    '<Error><Code>NoSuchK',
    '<Error/>',
    '<!DOCTYPE x [<!ENTITY a "NoSuchKey">]><Error><Code>&a;</Code></Error>',
    '{"Error":{"Code":"NoSuchKey"}}',
  ])('leaves what is no answer of S3 as it is: %s', async body => {
    const error = answered(404, body)
    expect(await explainS3Failure(error, attempt)).toBe(error)
  })

  it('leaves other failures as they are', async () => {
    for (const thrown of [new Error('a bug'), 'text', new OriginError('ORIGIN_FAILED', 'broke off')]) {
      expect(await explainS3Failure(thrown, attempt)).toBe(thrown)
    }
  })
})
