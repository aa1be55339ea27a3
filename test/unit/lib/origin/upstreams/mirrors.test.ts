import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DfdaemonConfig } from '../../../../../dfdaemon/config.ts'
import { systemClock } from '../../../../../lib/clock.ts'
import { loadConfig } from '../../../../../lib/config/load-config.ts'
import { silentLogger } from '../../../../../lib/logger.ts'
import { createMirrors } from '../../../../../lib/origin/upstreams/mirrors.ts'
import type { UpstreamConfigs } from '../../../../../lib/origin/upstreams/upstream-config.ts'
import { SupernodeConfig } from '../../../../../supernode/config.ts'
import { createScratchDirectory } from '../../../../helpers/scratch-directory.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const MIRROR = 'https://mirror.example'

function mirrorsOf(upstreams: UpstreamConfigs) {
  const credentials = { forRegistry: async () => undefined }
  return createMirrors({ clock: systemClock, logger: silentLogger(), credentials }, upstreams)
}

describe('a configuration with mirrors', () => {
  test.each<[string, UpstreamConfigs, string]>([
    [
      'a password in the URL',
      { 'a.example': { mirrors: [{ url: 'https://u:planted@m.example' }] } },
      'user or password',
    ],
    ['no URL', { 'a.example': { mirrors: [{ url: 'm.example' }] } }, 'upstreams.a.example.mirrors.0.url'],
    [
      'the registry itself',
      { 'a.example': { mirrors: [{ url: 'https://A.example:443/' }] } },
      'its own mirror: mirrors.0',
    ],
    [
      'the registry itself under its configured url',
      { 'a.example': { url: 'http://10.0.0.1', mirrors: [{ url: MIRROR }, { url: 'http://10.0.0.1/v2' }] } },
      'its own mirror: mirrors.1',
    ],
    ['a mirror twice', { 'a.example': { mirrors: [{ url: MIRROR }, { url: `${MIRROR}/v2/` }] } }, 'a mirror twice'],
    [
      'two registries in one place',
      {
        'a.example': { url: 'https://c.example', mirrors: [{ url: MIRROR }] },
        'b.example': { url: 'https://c.example/', mirrors: [{ url: `${MIRROR}/b` }] },
      },
      'the same url as an upstream',
    ],
  ])('is refused with %s', (_, upstreams, reason) => {
    const refused = () => mirrorsOf(upstreams)
    expect(refused).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(refused).toThrow(reason)
    expect(refused).not.toThrow('planted')
  })

  test('is refused at start with an account that is none', async () => {
    const account = { username: 'robot', passwordFile: '/nowhere/password' }
    const mirrors = mirrorsOf({ 'a.example': { mirrors: [{ url: MIRROR, account }] } })
    await expect(mirrors.start()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(mirrors.start()).rejects.toThrow('mirror.example')
  })

  test.each([
    ['dfdaemon', DfdaemonConfig],
    ['supernode', SupernodeConfig],
  ] as const)('is the same for both programs: %s', async (program, schema) => {
    await using scratch = await createScratchDirectory()
    const file = join(scratch.path, 'config.yaml')
    const load = async (upstream: object) => {
      await writeFile(file, JSON.stringify({ upstreams: { 'a.example': upstream } }))
      return loadConfig(program, schema, { file }).upstreams
    }
    const mirror = { url: MIRROR, ns: false, insecure: true, caFile: 'ca.pem', account: { helper: 'pass' } }
    const upstream = { url: 'https://b.example', caFile: 'ca.pem', insecure: false, account: { helper: 'pass' } }
    expect(await load({ ...upstream, mirrors: [mirror] })).toEqual({ 'a.example': { ...upstream, mirrors: [mirror] } })
    const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining('upstreams.a.example') }
    await expect(load({ mirrors: [{ ...mirror, weight: 1 }] })).rejects.toThrow(
      /mirrors\.0\.weight from .* is no setting/,
    )
    await expect(load({ mirrors: [{ ns: true }] })).rejects.toMatchObject(refused)
    await expect(load({ mirrors: MIRROR })).rejects.toMatchObject(refused)
    await expect(load({ mirror: [mirror] })).rejects.toMatchObject(refused)
  })
})

describe('a URL has mirrors', () => {
  const mirrors = mirrorsOf({
    'docker.io': { mirrors: [{ url: MIRROR }] },
    'a.example': { url: 'http://10.0.0.1:5000', mirrors: [{ url: `${MIRROR}/a` }, { url: `${MIRROR}/b` }] },
    'none.example': {},
  })

  test.each([
    [`https://registry-1.docker.io/v2/library/a/blobs/${DIGEST}`, 'blob', DIGEST],
    [`https://registry-1.docker.io/v2/library/a/blobs/${DIGEST.replace(':', '%3A')}`, 'blob', DIGEST],
    [`http://10.0.0.1:5000/v2/a/manifests/${DIGEST}`, 'manifest', DIGEST],
    ['http://10.0.0.1:5000/v2/a/manifests/latest', 'manifest', undefined],
    ['http://10.0.0.1:5000/v2/a/tags/list?n=5', 'other', undefined],
  ])('%s: a %s', (url, kind, digest) => {
    expect(mirrors.at(url)).toMatchObject({ kind, digest, rest: url.slice(url.indexOf('/v2') + 3) })
  })

  test.each([
    ['https://10.0.0.1:5000/v2/a/manifests/latest'],
    ['http://10.0.0.1:5000/files/a'],
    ['http://10.0.0.1:5000/v2'],
    [`https://none.example/v2/a/blobs/${DIGEST}`],
    [`https://10.0.0.1.example/v2/a/blobs/${DIGEST}`],
    ['no URL'],
  ])('%s has none', url => {
    expect(mirrors.at(url)).toBeUndefined()
  })
})
