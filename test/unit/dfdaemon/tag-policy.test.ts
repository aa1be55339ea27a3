import { expect, test } from 'vitest'
import { type TagRule, tagModeOf } from '../../../dfdaemon/manifests/tag-policy.ts'

const RULES: TagRule[] = [
  { pattern: 'docker.io/library/*:1.*', mode: 'pin' },
  { pattern: '*:latest', mode: 'bypass' },
  { pattern: 'docker.io/*', mode: 'revalidate' },
  { pattern: '*:1.0', mode: 'pin' },
]

test.for([
  ['docker.io/library/nginx:1.2', 'pin'],
  ['docker.io/library/nginx:latest', 'bypass'],
  ['docker.io/own/app:1.0', 'revalidate'],
  ['ghcr.io/own/app:1.0', 'pin'],
  ['ghcr.io/own/app:2.0', 'revalidate'],
] as const)('%s is under %s, the first rule that fits', ([reference, mode]) => {
  expect(tagModeOf(reference, RULES)).toBe(mode)
})

test('without rules a tag is revalidated', () => {
  expect(tagModeOf('ghcr.io/own/app:1.0', [])).toBe('revalidate')
})
