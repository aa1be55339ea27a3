import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { type HarborWebhook, preheatsOfWebhook } from '../../../../supernode/preheat-apis/harbor-webhook.ts'
import { plainEvents, preheatsOfEvents, RegistryEvents } from '../../../../supernode/preheat-apis/registry-events.ts'
import {
  CLOUD_EVENT_BODY,
  distributionBody,
  distributionEvent,
  krakenBody,
  NGINX,
  NGINX_DIGEST,
  OCI_DIGEST,
  WEBHOOK_BODY,
} from '../../../helpers/harbor-bodies.ts'

const form = Compile(RegistryEvents)
const TESTOCI = { image: `127.0.0.1:5600/library/testoci@${OCI_DIGEST}` }

function wantedBy(body: string, query = {}) {
  const plain = plainEvents(JSON.parse(body))
  if (!form.Check(plain)) throw new Error(JSON.stringify(form.Errors(plain)))
  return preheatsOfEvents(plain, query)
}

describe('events of a registry', () => {
  test('of distribution: a manifest that was pushed with a tag', () => {
    expect(wantedBy(distributionBody(distributionEvent()))).toEqual({ requests: [TESTOCI], ignored: 0 })
  })

  test("of Harbor's driver for Kraken, whose keys begin with capitals", () => {
    const image = `harbor.example.com/library/nginx@${NGINX_DIGEST}`
    expect(wantedBy(krakenBody(NGINX))).toEqual({ requests: [{ image }], ignored: 0 })
    const upper = krakenBody(NGINX).replaceAll(/"(\w+)":/g, key => key.toUpperCase())
    expect(wantedBy(upper)).toEqual({ requests: [{ image }], ignored: 0 })
  })

  test.for([
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
  ])('are of images: %s', mediaType => {
    expect(wantedBy(distributionBody(distributionEvent({ target: { mediaType } }))).requests).toEqual([TESTOCI])
  })

  test.for<[string, object]>([
    ['a pull', { action: 'pull' }],
    ['a mount', { action: 'mount' }],
    ['something new', { action: 'admire' }],
    ['a layer', { target: { mediaType: 'application/octet-stream', tag: undefined } }],
    ['a part of an index', { target: { tag: undefined } }],
    ['an empty tag', { target: { tag: '' } }],
    ['something else with a tag', { target: { mediaType: 'application/vnd.example+json' } }],
  ])('that are none to act on are ignored: %s', ([, changes]) => {
    expect(wantedBy(distributionBody(distributionEvent(changes)))).toEqual({ requests: [], ignored: 1 })
  })

  test('that have little in them are ignored', () => {
    const deleted = { action: 'delete', target: { digest: OCI_DIGEST, repository: 'a' } }
    expect(wantedBy(distributionBody(deleted, {}, { action: 'push', target: null }))).toEqual({
      requests: [],
      ignored: 3,
    })
    expect(wantedBy('{"events":[]}')).toEqual({ requests: [], ignored: 0 })
  })

  test('that come together start a job for each image', () => {
    const other = distributionEvent({ target: { repository: 'b', url: 'https://r.example/v2/b/manifests/x' } })
    const body = distributionBody(
      distributionEvent(),
      distributionEvent({ action: 'pull' }),
      other,
      distributionEvent(),
    )
    expect(wantedBy(body)).toEqual({ requests: [TESTOCI, { image: `r.example/b@${OCI_DIGEST}` }], ignored: 1 })
  })

  test('are of the registry and for whom their endpoint says', () => {
    const query = { registry: 'harbor.example:8443', scope: 'labels:zone=a' }
    expect(wantedBy(distributionBody(distributionEvent()), query).requests).toEqual([
      { image: `harbor.example:8443/library/testoci@${OCI_DIGEST}`, scope: 'labels:zone=a' },
    ])
  })

  test.for([
    ['https://registry/v2/a/manifests/x', 'registry:443'],
    ['http://registry/v2/a/manifests/x', 'registry:80'],
    ['http://localhost/v2/a/manifests/x', 'localhost'],
    ['https://[fd00::1]:5000/v2/a/manifests/x', '[fd00::1]:5000'],
    ['https://somebody:secret@r.example/v2/a/manifests/x', 'r.example'],
  ] as const)('are of the registry of their URL: %s', ([url, registry]) => {
    expect(wantedBy(distributionBody(distributionEvent({ target: { url } }))).requests).toEqual([
      { image: `${registry}/library/testoci@${OCI_DIGEST}` },
    ])
  })

  test('without a digest are of the tag', () => {
    expect(wantedBy(distributionBody(distributionEvent({ target: { digest: '' } }))).requests).toEqual([
      { image: '127.0.0.1:5600/library/testoci:v1' },
    ])
  })

  test.for<[object, object, string]>([
    [{ url: undefined }, {}, 'add ?registry=HOST to the URL to which events are sent'],
    [{ url: 'ftp://r.example/v2/' }, {}, 'the event does not say which registry it is from'],
    [{ repository: 'UPPER' }, {}, '"127.0.0.1:5600/UPPER@'],
    [{ repository: undefined }, {}, 'is no image of the form host/repository:tag'],
    [{ digest: 'sha256:dad2…' }, {}, 'is no image of the form'],
    [{}, { registry: 'harbor' }, `"harbor/library/testoci@${OCI_DIGEST}" is no image`],
    [{}, { registry: 'a.example/b:c' }, 'is no image'],
  ])('for which there is no job are refused: %j %j', ([target, query, message]) => {
    const ask = () => wantedBy(distributionBody(distributionEvent({ target })), query)
    expect(ask).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining(message) }))
  })
})

describe('a webhook of Harbor', () => {
  const parse = (text: string) => JSON.parse(text) as HarborWebhook
  const ALPINE = { image: `harbor.lan/proj/alpine@${NGINX_DIGEST}` }
  const pushOf = (data: unknown) => preheatsOfWebhook({ type: 'PUSH_ARTIFACT', event_data: data }, {})

  test('starts a job for what was pushed, in both forms', () => {
    for (const body of [WEBHOOK_BODY, CLOUD_EVENT_BODY]) {
      expect(preheatsOfWebhook(parse(body), {})).toEqual({ requests: [ALPINE], ignored: 0 })
    }
  })

  test('may have the digest in place of the tag', () => {
    const untagged = { tag: NGINX_DIGEST, resource_url: `harbor.lan/proj/alpine@${NGINX_DIGEST}` }
    const repository = { repo_full_name: 'proj/alpine' }
    expect(pushOf({ resources: [{ ...untagged, digest: NGINX_DIGEST }], repository }).requests).toEqual([ALPINE])
    expect(pushOf({ resources: [untagged], repository }).requests).toEqual([ALPINE])
  })

  test('is of the registry and for whom its endpoint says', () => {
    const query = { registry: 'harbor.example:8443', scope: 'count:3' }
    expect(preheatsOfWebhook(parse(WEBHOOK_BODY), query).requests).toEqual([
      { image: `harbor.example:8443/proj/alpine@${NGINX_DIGEST}`, scope: 'count:3' },
    ])
  })

  test.for([
    'PULL_ARTIFACT',
    'DELETE_ARTIFACT',
    'SCANNING_COMPLETED',
    'SCANNING_FAILED',
    'SCANNING_STOPPED',
    'QUOTA_EXCEED',
    'REPLICATION',
    'TAG_RETENTION',
    'harbor.artifact.pulled',
    'harbor.quota.exceeded',
  ])('of the type %s is ignored, whatever its data', type => {
    const none = { requests: [], ignored: 1 }
    expect(preheatsOfWebhook({ ...parse(WEBHOOK_BODY), type }, {})).toEqual(none)
    expect(preheatsOfWebhook({ type, event_data: { replication: {} }, data: null }, {})).toEqual(none)
  })

  test.for<[unknown, string]>([
    [undefined, 'body/event_data must be object'],
    [null, 'body/event_data must be object'],
    [{ resources: null, repository: {} }, 'body/event_data must have required properties resources'],
    [{ resources: [7], repository: { repo_full_name: 'a/b' } }, 'body/event_data/resources/0 must be object'],
    [{ resources: [{}], repository: { repo_full_name: 'a/b' } }, 'the event does not say which registry'],
    [
      { resources: [{ resource_url: 'h.example/a/b' }], repository: { repo_full_name: 'a/b' } },
      '"h.example/a/b:" is no',
    ],
  ])('with the data %j is refused', ([data, message]) => {
    expect(() => pushOf(data)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining(message) }),
    )
  })

  test('about too many artifacts is refused', () => {
    const resources = Array.from({ length: 101 }, () => ({}))
    expect(() => pushOf({ resources, repository: { repo_full_name: 'a/b' } })).toThrow(
      'body/event_data/resources must not have more than 100 items',
    )
  })
})
