import { describe, expect, it } from 'vitest'
import { createOrigins } from '../../../../lib/origin/origins.ts'
import { fakeOrigin } from '../../../helpers/fake-origin.ts'
import { readAll } from '../../../helpers/origin-content.ts'

const http = fakeOrigin(Buffer.from('http'))
const file = fakeOrigin(Buffer.from('file'))
const s3 = {
  ...fakeOrigin(Buffer.from('s3')),
  locate: async () => ({ url: 'https://store.example/signed', headers: {} }),
}
const origins = createOrigins({ http, file, s3 })
const sourceOf = (url: string) => ({ url, headers: {} })

describe('createOrigins', () => {
  it.each([
    ['http://h/x', 'http'],
    ['https://h/x', 'http'],
    ['HTTPS://h/x', 'http'],
    ['file:///x', 'file'],
    ['s3://bucket/a b', 's3'],
  ])('reads %s from the origin %s', async (url, name) => {
    const opened = await origins.open(sourceOf(url))
    expect((await readAll(opened.body)).toString()).toBe(name)
    expect(await origins.check(sourceOf(url))).toMatchObject({ sizeBytes: name.length })
  })

  it.each(['ftp://h/x', 'oci://h/x', '/x', 'http:/x', '', 'constructor://x'])('refuses %s', async url => {
    const failure = {
      code: 'REQUEST_INVALID',
      detail: 'expected a URL that begins with one of file://, http://, https://, s3://',
    }
    await expect(origins.open(sourceOf(url))).rejects.toMatchObject(failure)
    await expect(origins.check(sourceOf(url))).rejects.toMatchObject(failure)
    await expect(origins.locate(sourceOf(url))).rejects.toMatchObject(failure)
  })

  it('asks the origin where others read, and takes the source itself where it has no answer', async () => {
    const source = sourceOf('https://h/x')
    expect(await origins.locate(source)).toBe(source)
    expect(await origins.locate(sourceOf('s3://bucket/key'))).toMatchObject({ url: 'https://store.example/signed' })
  })
})
