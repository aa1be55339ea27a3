import { expect, test } from 'vitest'
import { chooseManifest, parseManifest } from '../../../protocol/image-manifest.ts'
import { parseImageReference } from '../../../protocol/image-reference.ts'
import { checkTrialConfig } from '../../../trial/config.ts'
import { counterValue } from '../../../trial/counter-value.ts'
import { digestOfText } from '../../helpers/trial-fixture.ts'

const DIGEST = digestOfText('x')

test.each([
  ['docker.io/library/alpine:3.20', 'docker.io', 'library/alpine', '3.20'],
  ['localhost/a', 'localhost', 'a', 'latest'],
  ['127.0.0.1:5000/a/b:v1', '127.0.0.1:5000', 'a/b', 'v1'],
  ['[::1]:5000/a:v1', '[::1]:5000', 'a', 'v1'],
  [`ghcr.io/a/b@${DIGEST}`, 'ghcr.io', 'a/b', DIGEST],
])('%s is taken apart', (text, registry, repository, reference) => {
  expect(parseImageReference(text)).toEqual({ registry, repository, reference })
})

test.each([
  '',
  'alpine',
  'library/alpine:3.20',
  'docker.io/',
  'docker.io/Upper:v1',
  'docker.io/a:b:c',
  'docker.io/a@b',
  'a.b/c:/d',
])('"%s" is no image reference', text => {
  expect(() => parseImageReference(text)).toThrow('is not of the form host/repository:tag')
})

test.each([
  [{ layers: 8, size: 64 * 1024 }, true],
  [{ layers: 9, size: 64 * 1024 }, false],
  [{ layers: 9, size: 64 * 1024, image: 'docker.io/library/alpine:3.20' }, true],
  [{ layers: 1, size: 64 * 1024, image: 'alpine' }, false],
])('settings %j can be: %s', (settings, accepted) => {
  const check = () => checkTrialConfig({ nodes: 1, json: false, keep: false, ...settings })
  if (accepted) expect(check).not.toThrow()
  else expect(check).toThrow('the configuration is invalid')
})

test('a counter is read by its whole name', () => {
  const page = '# HELP a_total x\n# TYPE a_total counter\na_total_more 1\na_total{b="c"} 2\na_total 1.5e3\n'
  expect(counterValue(page, 'a_total')).toBe(1500)
  expect(counterValue(page, 'other_total')).toBe(0)
})

test('the manifest for this machine is chosen from an index', () => {
  const platform = (os: string, architecture: string) => ({ os, architecture })
  const index = {
    manifests: [
      { digest: digestOfText('attestation') },
      { digest: digestOfText('windows'), platform: platform('windows', 'amd64') },
      { digest: digestOfText('amd64'), platform: platform('linux', 'amd64') },
      { digest: digestOfText('arm64'), platform: platform('linux', 'arm64') },
    ],
  }
  expect(chooseManifest(index, 'x64').digest).toBe(digestOfText('amd64'))
  expect(chooseManifest(index, 'arm64').digest).toBe(digestOfText('arm64'))
  expect(() => chooseManifest(index, 'riscv64')).toThrow('not made for linux/riscv64')
})

test.each(['', '{}', '[]', '{"config":{},"layers":[]}', '{"manifests":[{"digest":"sha256:short"}]}'])(
  '%j is no manifest',
  text => {
    expect(() => parseManifest(Buffer.from(text))).toThrow('manifest invalid')
  },
)
