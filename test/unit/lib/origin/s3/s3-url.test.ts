import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatS3Url, parseS3Prefix, parseS3Url, s3HttpUrl } from '../../../../../lib/origin/s3/s3-url.ts'

const amazon = { region: 'eu-central-1', pathStyle: false }
const own = { endpoint: 'https://minio.example:9000', region: 'us-east-1', pathStyle: true }

describe('parseS3Url', () => {
  it.each([
    ['s3://bucket/key', 'bucket', 'key'],
    ['S3://bucket/a/b.txt', 'bucket', 'a/b.txt'],
    ['s3://bucket//a//b/', 'bucket', '/a//b/'],
    ['s3://my.bucket-1/a b+c%20d?e#f', 'my.bucket-1', 'a b+c%20d?e#f'],
    ['s3://bucket/ä/日本', 'bucket', 'ä/日本'],
    ['s3://bucket/a\nb', 'bucket', 'a\nb'],
    ['s3://bucket/..a/b..', 'bucket', '..a/b..'],
  ])('reads %j as it stands', (url, bucket, key) => {
    expect(parseS3Url(url)).toEqual({ bucket, key })
  })

  it.each([
    's3://bucket',
    's3://bucket/',
    's3:///key',
    's3://b/key',
    's3://-bucket/key',
    's3://user@bucket/key',
    's3://bucket:80/key',
    's3:bucket/key',
    'http://bucket/key',
    's3://bucket/a/../b',
    's3://bucket/./b',
    's3://bucket/..',
    's3://bucket/\ud800',
    `s3://bucket/${'ä'.repeat(513)}`,
  ])('refuses %j', url => {
    expect(() => parseS3Url(url)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
  })

  it('reads a bucket as an empty prefix', () => {
    expect(parseS3Prefix('s3://bucket')).toEqual({ bucket: 'bucket', key: '' })
    expect(parseS3Prefix('s3://bucket/')).toEqual({ bucket: 'bucket', key: '' })
  })
})

describe('s3HttpUrl', () => {
  it.each([
    [{ bucket: 'bucket', key: 'a/b' }, amazon, 'https://bucket.s3.eu-central-1.amazonaws.com/a/b'],
    [{ bucket: 'bucket', key: '' }, amazon, 'https://bucket.s3.eu-central-1.amazonaws.com/'],
    [{ bucket: 'my.bucket', key: 'k' }, amazon, 'https://s3.eu-central-1.amazonaws.com/my.bucket/k'],
    [{ bucket: 'Old_bucket', key: 'k' }, amazon, 'https://s3.eu-central-1.amazonaws.com/Old_bucket/k'],
    [
      { bucket: 'bucket', key: 'k' },
      { ...amazon, region: 'cn-north-1' },
      'https://bucket.s3.cn-north-1.amazonaws.com.cn/k',
    ],
    [{ bucket: 'bucket', key: 'k' }, { ...amazon, pathStyle: true }, 'https://s3.eu-central-1.amazonaws.com/bucket/k'],
    [{ bucket: 'bucket', key: '/a//b' }, own, 'https://minio.example:9000/bucket//a//b'],
    [{ bucket: 'bucket', key: '' }, own, 'https://minio.example:9000/bucket'],
    [{ bucket: 'bucket', key: 'k' }, { ...own, pathStyle: false }, 'https://bucket.minio.example:9000/k'],
    [{ bucket: 'bucket', key: 'k' }, { ...own, endpoint: 'http://h/s3/' }, 'http://h/s3/bucket/k'],
    [
      { bucket: 'bucket', key: "a b+c%20?#'()*!~" },
      own,
      'https://minio.example:9000/bucket/a%20b%2Bc%2520%3F%23%27%28%29%2A%21~',
    ],
    [{ bucket: 'bucket', key: 'ä' }, own, 'https://minio.example:9000/bucket/%C3%A4'],
  ])('puts %j at %j', (location, place, url) => {
    expect(s3HttpUrl(location, place)).toBe(url)
  })

  it('makes a URL that stays as it is, and from which the key can be read again', () => {
    const key = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter(text => !/(^|\/)\.\.?(\/|$)/.test(text))
    fc.assert(
      fc.property(key, fc.boolean(), (key, pathStyle) => {
        const location = parseS3Url(formatS3Url({ bucket: 'bucket', key }))
        expect(location.key).toBe(key)
        const url = s3HttpUrl(location, { ...own, pathStyle })
        expect(new URL(url).href).toBe(url)
        expect(decodeURIComponent(new URL(url).pathname)).toBe(pathStyle ? `/bucket/${key}` : `/${key}`)
      }),
    )
  })
})
