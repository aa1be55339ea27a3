import { expect, test } from 'vitest'
import { imageOfManifestUrl } from '../../../../supernode/preheat-apis/checked-preheat.ts'
import { plainV2Body } from '../../../../supernode/preheat-apis/dragonfly-v2.ts'
import { withLowerKeys } from '../../../../supernode/preheat-apis/go-json.ts'
import { plainEvents } from '../../../../supernode/preheat-apis/registry-events.ts'

const DIGEST = `sha256:${'0a'.repeat(32)}`

test.for([
  ['https://h.example/v2/library/nginx/manifests/1.27', 'h.example/library/nginx:1.27'],
  [`https://h.example/v2/library/nginx/manifests/${DIGEST}`, `h.example/library/nginx@${DIGEST}`],
  [`https://h.example/v2/a/manifests/${encodeURIComponent(DIGEST)}`, `h.example/a@${DIGEST}`],
  ['https://h.example:8443/v2/a/manifests/1', 'h.example:8443/a:1'],
  ['https://h.example:443/v2/a/manifests/1', 'h.example/a:1'],
  ['http://10.0.0.7:5000/v2/a/manifests/1', '10.0.0.7:5000/a:1'],
  ['https://h.example/prefix/v2/a/manifests/1', 'h.example/a:1'],
  ['https://h.example/v2/a/v2/b/manifests/1', 'h.example/a/v2/b:1'],
  ['https://h.example/v2/manifests/manifests/1?ns=x#y', 'h.example/manifests:1'],
  ['https://user:secret@h.example/v2/a/manifests/1', 'h.example/a:1'],
  ['https://harbor/v2/a/manifests/1', 'harbor:443/a:1'],
  ['https://H.Example/v2/a/manifests/1', 'h.example/a:1'],
] as const)('%s is of the image %s', ([url, image]) => {
  expect(imageOfManifestUrl(url)).toBe(image)
})

test.for([
  '',
  'h.example/library/nginx:1.27',
  'ftp://h.example/v2/a/manifests/1',
  'https://user:secret@h.example/v2/a/manifests/',
  'https://h.example/v2/a/blobs/secret',
  'https://h.example/v2/SECRET/manifests/1',
  'https://h.example/a/manifests/secret',
  'https://h.example/v2/a/manifests/%ff',
  'https://h.example/v2/a/manifests/sha256:secret',
])('"%s" is of none, and the error does not repeat it', url => {
  expect(() => imageOfManifestUrl(url)).toThrow(
    expect.objectContaining({
      code: 'REQUEST_INVALID',
      message: expect.not.stringMatching(/secret/i),
    }),
  )
})

test('of keys that differ in their case the last counts, and none is the prototype', () => {
  expect(withLowerKeys({ a: 1, A: 2, B: null })).toEqual({ a: 2 })
  const plain = withLowerKeys(JSON.parse('{"__PROTO__":{"admin":true}}')) as Record<string, unknown>
  expect(plain.admin).toBeUndefined()
})

test.for([undefined, null, 7, 'text', [], [{}]])('a body that is %j stays what it is', body => {
  expect([plainV2Body(body), plainEvents(body)]).toEqual([body, body])
})

test.for([{ events: 7 }, { events: [7, null, []] }, { events: {} }])(
  'what is in no event stays what it is: %j',
  body => {
    expect(plainEvents(body)).toEqual(body)
  },
)
