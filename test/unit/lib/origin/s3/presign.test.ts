import { describe, expect, it } from 'vitest'
import { presign } from '../../../../../lib/origin/s3/presign.ts'
import { S3Credentials } from '../../../../../lib/origin/s3/s3-credentials.ts'

const credentials = new S3Credentials('AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
const at = Date.UTC(2013, 4, 24)

describe('presign', () => {
  it('signs the example of the S3 API reference', async () => {
    const url = await presign(
      { method: 'GET', url: 'https://examplebucket.s3.amazonaws.com/test.txt' },
      { credentials, region: 'us-east-1', at, expiresMs: 86_400_000 },
    )
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request',
      'X-Amz-Date': '20130524T000000Z',
      'X-Amz-Expires': '86400',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    })
    expect(url).toMatch(/^https:\/\/examplebucket\.s3\.amazonaws\.com\/test\.txt\?/)
  })

  it('signs the token of keys that end, and never shows the secret', async () => {
    const temporary = new S3Credentials('AKIA', 'the secret', 'token/+=')
    const url = await presign(
      { method: 'GET', url: 'http://127.0.0.1:9000/b/k', query: { 'x-y': "a b+c*'(~)" } },
      { credentials: temporary, region: 'eu-central-1', at, expiresMs: 1_999 },
    )
    const { searchParams } = new URL(url)
    expect(searchParams.get('X-Amz-Security-Token')).toBe('token/+=')
    expect(searchParams.get('X-Amz-Expires')).toBe('1')
    expect(url).toContain('x-y=a%20b%2Bc%2A%27%28~%29')
    expect(decodeURIComponent(url)).not.toContain('the secret')
    expect(new URL(url).href).toBe(url)
  })
})
