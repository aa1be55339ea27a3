import { expect, test } from 'vitest'
import { parseScope } from '../../../../supernode/preheat/scope.ts'

test.each([
  ['all', { kind: 'all' }],
  ['supernode', { kind: 'supernode' }],
  ['supernodes', { kind: 'supernodes' }],
  ['count:5', { kind: 'count', nodes: 5 }],
  ['percent:25', { kind: 'percent', percent: 25 }],
  [
    'labels:zone=a,pool=gpu',
    {
      kind: 'labels',
      labels: new Map([
        ['zone', 'a'],
        ['pool', 'gpu'],
      ]),
    },
  ],
  ['labels:a=b=c', { kind: 'labels', labels: new Map([['a', 'b=c']]) }],
  ['nodes:n1,n2,n1', { kind: 'nodes', nodes: ['n1', 'n2'] }],
])('reads %s', (text, scope) => {
  expect(parseScope(text)).toEqual(scope)
})

test.each([
  '',
  'everything',
  'all:3',
  'ALL',
  'count',
  'count:',
  'count:0',
  'count:1.5',
  'count:10001',
  'count:-1',
  'percent:0',
  'percent:101',
  'percent:5%',
  'labels:',
  'labels:zone',
  'labels:=a',
  'labels:a=1,a=2',
  'nodes:',
  'nodes:a,,b',
  'toString',
  '__proto__',
])('refuses %s, and says what a scope is', text => {
  expect(() => parseScope(text)).toThrow(
    expect.objectContaining({
      code: 'REQUEST_INVALID',
      message: expect.stringMatching(/scope ".*": .*(must follow|all, supernode)/),
    }),
  )
})
