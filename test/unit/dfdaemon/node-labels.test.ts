import { expect, test } from 'vitest'
import { DfdaemonConfig } from '../../../dfdaemon/config.ts'
import { nodeLabels } from '../../../dfdaemon/node-labels.ts'
import { loadConfig } from '../../../lib/config/load-config.ts'

const labelsBy = (flags: Record<string, string>, environment: Record<string, string> = {}) =>
  nodeLabels(loadConfig('dfdaemon', DfdaemonConfig, { flags, environment }).labels)

test('a node has the labels of its settings, those of its place and any others', () => {
  expect(labelsBy({})).toEqual({})
  expect(labelsBy({ 'labels.zone': 'a' })).toEqual({ zone: 'a' })
  const environment = { DFDAEMON_LABELS_OTHER: 'pool=gpu,node.example.com/team=a=b,empty=' }
  expect(labelsBy({ 'labels.rack': 'r1' }, environment)).toEqual({
    rack: 'r1',
    pool: 'gpu',
    'node.example.com/team': 'a=b',
    empty: '',
  })
})

test.each([
  'pool',
  '=gpu',
  'Pool=gpu',
  '-pool=gpu',
  'pool-=gpu',
  'a b=c',
  `${'p'.repeat(65)}=a`,
  `pool=${'x'.repeat(257)}`,
])('"%s" is no label', label => {
  expect(() => labelsBy({ 'labels.other': label })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('expected KEY=VALUE') }),
  )
})

test.each([{ 'labels.zone': 'a', 'labels.other': 'zone=b' }, { 'labels.other': 'pool=a,pool=b' }])(
  'a label that is there twice is refused: %o',
  flags => {
    expect(() => labelsBy(flags)).toThrow(/is there twice/)
  },
)

test('there are 32 at most, and their values are short', () => {
  const labels = (count: number) => Array.from({ length: count }, (_, at) => `l${at}=x`).join(',')
  expect(Object.keys(labelsBy({ 'labels.other': labels(32) }))).toHaveLength(32)
  expect(() => labelsBy({ 'labels.other': labels(33) })).toThrow(/32 labels at most/)
  expect(() => labelsBy({ 'labels.zone': 'a', 'labels.other': labels(32) })).toThrow(/32 labels at most/)
  expect(() => labelsBy({ 'labels.zone': 'x'.repeat(257) })).toThrow(/labels.zone from the command line/)
})
