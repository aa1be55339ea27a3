import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import {
  plainV1Body,
  preheatOfV1,
  V1Preheat,
  V1PreheatRequest,
  v1PreheatOf,
} from '../../../../supernode/preheat-apis/dragonfly-v1.ts'
import { preheatJob } from '../../../helpers/fake-preheats.ts'
import { HARBOR_TOKEN, NGINX, v1Body } from '../../../helpers/harbor-bodies.ts'

const form = Compile(V1PreheatRequest)

function requestOf(body: string) {
  const plain = plainV1Body(JSON.parse(body))
  if (!form.Check(plain)) throw new Error(JSON.stringify(form.Errors(plain)))
  return preheatOfV1(plain)
}

describe('a preheat of Dragonfly v1', () => {
  test('of Harbor', () => {
    expect(requestOf(v1Body(NGINX))).toEqual({
      image: 'harbor.example.com/library/nginx:1.27',
      headers: { Authorization: `Bearer ${HARBOR_TOKEN}` },
    })
  })

  test('of a file', () => {
    const url = 'http://f.example/model'
    expect(requestOf(JSON.stringify({ type: 'file', url, filter: '', headers: null }))).toEqual({ files: [url] })
  })

  test.for([
    ['filter', 'Expires&Signature', { filter: ['Expires', 'Signature'] }],
    ['identifier', 'x', { tag: 'x' }],
  ] as const)('of a file with a %s is for that file, and it means nothing for an image', ([name, value, identity]) => {
    const url = 'http://f.example/model'
    expect(preheatOfV1({ type: 'file', url, [name]: value })).toEqual({ files: [url], identity })
    expect(preheatOfV1({ type: 'image', url: NGINX.url, [name]: value })).toEqual({
      image: 'harbor.example.com/library/nginx:1.27',
    })
  })
})

describe('a job for Dragonfly v1', () => {
  test.for([
    ['pending', 'WAITING'],
    ['running', 'RUNNING'],
    ['standing', 'SUCCESS'],
    ['succeeded', 'SUCCESS'],
    ['failed', 'FAIL'],
    ['cancelled', 'FAIL'],
  ] as const)('that is %s is %s', ([state, status]) => {
    const shown = v1PreheatOf(preheatJob({ state }))
    expect(shown).toMatchObject({ ID: '1', status, startTime: '2026-11-20T23:56:31.000Z' })
    expect([shown.finishTime, shown.errorMsg === '']).toEqual([undefined, status !== 'FAIL'])
    expect(Compile(V1Preheat).Check(shown)).toBe(true)
  })

  test('that has failed says why', () => {
    const reason = { code: 'DENIED', message: 'no' }
    expect(v1PreheatOf(preheatJob({ state: 'failed', endedAt: Date.UTC(2026, 10, 21), reason }))).toEqual({
      ID: '1',
      status: 'FAIL',
      startTime: '2026-11-20T23:56:31.000Z',
      finishTime: '2026-11-21T00:00:00.000Z',
      errorMsg: 'DENIED: no',
    })
  })
})
