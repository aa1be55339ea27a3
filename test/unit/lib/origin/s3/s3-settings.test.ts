import { describe, expect, it } from 'vitest'
import { s3InitOf } from '../../../../../lib/origin/s3/s3-settings.ts'

describe('s3InitOf', () => {
  it('asks Amazon in us-east-1 by default, and lets others read for 12 hours', () => {
    expect(s3InitOf({}, { AWS_REGION: '', AWS_ENDPOINT_URL: '' })).toEqual({
      endpoint: undefined,
      region: 'us-east-1',
      pathStyle: false,
      locateExpiresMs: 43_200_000,
    })
  })

  it('takes what is given before the environment, and the special variable before the general', () => {
    const environment = {
      AWS_ENDPOINT_URL_S3: 'http://s3.example',
      AWS_ENDPOINT_URL: 'http://all.example',
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-2',
    }
    expect(s3InitOf({}, environment)).toMatchObject({
      endpoint: 'http://s3.example',
      region: 'eu-west-1',
      pathStyle: true,
    })
    const { AWS_ENDPOINT_URL, AWS_DEFAULT_REGION } = environment
    expect(s3InitOf({}, { AWS_ENDPOINT_URL, AWS_DEFAULT_REGION })).toMatchObject({
      endpoint: 'http://all.example',
      region: 'eu-west-2',
    })
    const given = { endpoint: 'https://own.example', region: 'auto', pathStyle: false, locateExpiresMs: 1_000 }
    expect(s3InitOf(given, environment)).toEqual(given)
  })

  it.each([
    [{ endpoint: 'minio.example:9000' }, /http:\/\/ or https:\/\/ URL/],
    [{ endpoint: 'ftp://minio.example' }, /http:\/\/ or https:\/\/ URL/],
    [{ endpoint: 'https://id:secret@minio.example' }, /no account/],
    [{ endpoint: 'https://minio.example?x' }, /no account, query/],
    [{ region: 'eu west' }, /AWS_REGION/],
    [{ region: 'evil.example/' }, /AWS_REGION/],
    [{ locateExpiresMs: 7 * 86_400_000 + 1 }, /7 days/],
    [{ locateExpiresMs: 0 }, /one second/],
    [{ locateExpiresMs: Number.NaN }, /one second/],
  ])('refuses %j', (given, detail) => {
    const refusal = { code: 'CONFIG_INVALID', detail: expect.stringMatching(detail) }
    expect(() => s3InitOf(given, {})).toThrow(expect.objectContaining(refusal))
    expect(() => s3InitOf(given, {})).not.toThrow(/id:secret/)
  })
})
