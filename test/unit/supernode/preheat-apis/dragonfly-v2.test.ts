import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import type { PreheatedContent, PreheatedNode } from '../../../../protocol/messages/preheat-api.ts'
import {
  plainV2Body,
  preheatOfV2,
  startedV2Job,
  V2Job,
  V2JobRequest,
  v2JobOf,
} from '../../../../supernode/preheat-apis/dragonfly-v2.ts'
import { preheatJob } from '../../../helpers/fake-preheats.ts'
import { HARBOR_TOKEN, NGINX, V2_STARTED, v2Body } from '../../../helpers/harbor-bodies.ts'

const form = Compile(V2JobRequest)
const image = 'harbor.example.com/library/nginx:1.27'
const authorization = { Authorization: `Bearer ${HARBOR_TOKEN}` }

/** What is asked for by a body of JSON. */
function requestOf(body: string) {
  const plain = plainV2Body(JSON.parse(body))
  if (!form.Check(plain)) throw new Error(JSON.stringify(form.Errors(plain)))
  return preheatOfV2(plain)
}

const withArgs = (args: object) => requestOf(JSON.stringify({ type: 'preheat', args }))
const withImage = (args: object) => withArgs({ type: 'image', url: NGINX.url, ...args })
const withFile = (args: object) => withArgs({ type: 'file', url: 'https://f.example/model', ...args })

describe('a job of Dragonfly v2', () => {
  test.for([
    ['', {}],
    ['single_seed_peer', { scope: 'supernode' }],
    ['single_peer', { scope: 'supernode' }],
    ['all_seed_peers', { scope: 'supernodes' }],
    ['all_peers', { scope: 'all' }],
  ] as const)('of Harbor with the scope "%s"', ([scope, expected]) => {
    expect(requestOf(v2Body(NGINX, scope))).toEqual({ image, headers: authorization, ...expected })
    expect(requestOf(v2Body(NGINX, scope, '[1,2]'))).toEqual({ image, headers: authorization, ...expected })
  })

  test('with nulls and zeros is one without', () => {
    const zeros = { urls: [], ips: [], count: 0, percentage: 0, platform: '', username: '', password: '', timeout: 0 }
    const nulls = {
      headers: null,
      ips: null,
      count: null,
      percentage: null,
      object_storage: null,
      hdfs: null,
      tag: null,
    }
    expect([withImage(zeros), withImage(nulls)]).toEqual([{ image }, { image }])
  })

  test.for<[object, object]>([
    [{ ips: ['10.0.0.1', '10.0.0.2'], count: 5, percentage: 9 }, { scope: 'nodes:10.0.0.1,10.0.0.2' }],
    [{ count: 5, percentage: 9, scope: 'all_peers' }, { scope: 'count:5' }],
    [{ percentage: 25 }, { scope: 'percent:25' }],
    [{ platform: 'linux/arm64' }, { platforms: ['linux/arm64'] }],
    [{ timeout: 1_800_000_000_000 }, { deadlineSeconds: 1800 }],
    [{ timeout: 1 }, { deadlineSeconds: 1 }],
    [{ username: 'robot$p', password: 's' }, { credentials: { username: 'robot$p', password: 's' } }],
    [{ filtered_query_params: 'Expires&Signature', tag: 'x', application: 'y', piece_length: 4194304 }, {}],
    [{ concurrent_task_count: 8, concurrent_peer_count: 500, concurrent_count: 3 }, {}],
  ])('with %j', ([args, expected]) => {
    expect(withImage(args)).toEqual({ image, ...expected })
  })

  test('of files has each of them once', () => {
    expect(withFile({})).toEqual({ files: ['https://f.example/model'] })
    const urls = ['https://f.example/a', 'https://f.example/b']
    expect(withFile({ url: '', urls })).toEqual({ files: urls })
    expect(withFile({ url: urls[1], urls })).toEqual({ files: urls.toReversed() })
  })

  test('of files says what tells them from others of the same URL', () => {
    const told = { tag: 'x', application: 'y', filtered_query_params: 'Expires&Signature' }
    expect(withFile(told)).toEqual({
      files: ['https://f.example/model'],
      identity: { tag: 'x', application: 'y', filter: ['Expires', 'Signature'] },
    })
  })

  test.for<[string, () => unknown, string]>([
    ['an image without a URL', () => withImage({ url: '' }), 'expected the URL of a manifest'],
    [
      'the URL of a blob',
      () => withImage({ url: `https://h.example/v2/a/blobs/sha256:${'a'.repeat(64)}` }),
      'expected',
    ],
    ['an image with more URLs', () => withImage({ urls: ['https://a.example'] }), '"urls" are of files'],
    ['no file', () => withFile({ url: '' }), 'there is neither a "url" nor "urls"'],
    ['a file of another kind', () => withFile({ url: 's3://bucket/key' }), 'the job/files/0 must match pattern'],
    ['keys of S3', () => withFile({ object_storage: { access_key_id: 'x' } }), '"object_storage" and "hdfs" are not'],
    ['nodes of one seed', () => withImage({ scope: 'single_seed_peer', count: 5 }), 'for the scope all_peers'],
    ['nodes of seeds', () => withImage({ scope: 'all_seed_peers', ips: ['10.0.0.1'] }), 'for the scope all_peers'],
    ['a platform that is none', () => withImage({ platform: 'amd64' }), 'the job/platforms/0 must match pattern'],
    [
      'more time than there is',
      () => withImage({ timeout: 8 * 86_400e9 }),
      'the job/deadlineSeconds must be <= 604800',
    ],
  ])('is refused with %s', ([, ask, message]) => {
    expect(ask).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining(message) }))
  })
})

const content = (changes: Partial<PreheatedContent>): PreheatedContent => ({
  task: null,
  name: 'layer 1',
  state: 'done',
  sizeBytes: 10,
  storedBytes: 10,
  reason: null,
  ...changes,
})
const node = (changes: Partial<PreheatedNode>): PreheatedNode => ({
  id: null,
  name: 'n1',
  labels: {},
  ips: ['10.0.0.7', '192.0.2.7'],
  state: 'done',
  contentsDone: 1,
  storedBytes: 10,
  reason: null,
  ...changes,
})

describe('a job for Dragonfly v2', () => {
  test('that has begun', () => {
    expect(JSON.stringify(startedV2Job(preheatJob()))).toBe(V2_STARTED)
    expect(startedV2Job(preheatJob({ state: 'standing' })).state).toBe('PENDING')
  })

  test.for([
    ['pending', 'PENDING'],
    ['running', 'PENDING'],
    ['standing', 'SUCCESS'],
    ['succeeded', 'SUCCESS'],
    ['failed', 'FAILURE'],
    ['cancelled', 'FAILURE'],
  ] as const)('that is %s is %s', ([state, expected]) => {
    const shown = v2JobOf(preheatJob({ state }))
    expect([shown.state, shown.result === null]).toEqual([expected, expected === 'PENDING'])
    expect(Compile(V2Job).Check(shown)).toBe(true)
  })

  test('that has succeeded says where it is', () => {
    const endedAt = Date.UTC(2026, 10, 21)
    const contentList = [content({}), content({ name: 'layer 2', state: 'skipped' })]
    const nodeList = [node({}), node({ name: 'n2', state: 'away' })]
    expect(v2JobOf(preheatJob({ state: 'succeeded', endedAt, contentList, nodeList }))).toEqual({
      id: 1,
      created_at: '2026-11-20T23:56:31Z',
      updated_at: '2026-11-21T00:00:00Z',
      state: 'SUCCESS',
      result: {
        job_states: [
          {
            error: '',
            results: [
              {
                scheduler_cluster_id: 1,
                success_tasks: [
                  { url: 'layer 1', hostname: 'supernode', ip: '' },
                  { url: image, hostname: 'n1', ip: '10.0.0.7' },
                ],
                failure_tasks: [],
              },
            ],
          },
        ],
      },
    })
  })

  test('that has failed says why, and where', () => {
    const reason = { code: 'ORIGIN_FAILED', message: 'the origin answered 404' }
    const contentList = [content({ state: 'failed', reason })]
    const nodeList = [node({ state: 'failed', reason }), node({ name: 'n2', state: 'fetching' })]
    const { result } = v2JobOf(preheatJob({ state: 'failed', reason, contentList, nodeList }))
    const description = 'ORIGIN_FAILED: the origin answered 404'
    expect(result?.job_states).toMatchObject([
      {
        error: description,
        results: [
          {
            success_tasks: [],
            failure_tasks: [
              { hostname: 'supernode', description },
              { hostname: 'n1', description },
              { hostname: 'n2', description: 'it was fetching when the job ended' },
            ],
          },
        ],
      },
    ])
  })

  test.for([
    ['cancelled', 'it was cancelled'],
    ['failed', '3 of 10 nodes have all of it, and 2 have failed'],
  ] as const)('that is %s without a reason says "%s"', ([state, error]) => {
    const { result } = v2JobOf(preheatJob({ state, nodes: { done: 3, failed: 2, total: 10 } }))
    expect(result?.job_states[0]?.error).toBe(error)
  })

  test('of many nodes has a thousand rows, and says how many there are more', () => {
    const nodeList = Array.from({ length: 1_207 }, (_, at) => node({ name: `n${at}` }))
    const { result } = v2JobOf(preheatJob({ state: 'succeeded', nodeList }))
    const rows = result?.job_states[0]?.results[0]?.success_tasks ?? []
    expect([rows.length, rows.at(-1)]).toEqual([1_001, { url: 'and 207 more', hostname: '', ip: '' }])
  })
})
