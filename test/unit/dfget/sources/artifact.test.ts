import { describe, expect, test } from 'vitest'
import { blobPath } from '../../../../dfget/sources/oci/blob-path.ts'
import { userDockerConfigs } from '../../../../dfget/sources/oci/docker-config-files.ts'
import { parseArtifactManifest } from '../../../../lib/origin/artifacts/artifact-manifest.ts'
import { artifactName, isArtifactUrl, parseArtifactUrl } from '../../../../lib/origin/artifacts/artifact-reference.ts'
import { chooseByPlatform, ownPlatform } from '../../../../lib/origin/artifacts/platform.ts'
import { type Digest, digestOf } from '../../../../protocol/digest.ts'

const DIGEST = digestOf(Buffer.from('content'))
const HEX = DIGEST.slice('sha256:'.length)

describe('a reference', () => {
  test.each([
    ['oci://reg.example/team/model:v1', 'https://reg.example', 'team/model', 'v1', undefined],
    ['oci://reg.example:8443/model', 'https://reg.example:8443', 'model', 'latest', undefined],
    ['OCI://Reg.Example/model', 'https://reg.example', 'model', 'latest', undefined],
    ['oci://harbor/team/model:v1', 'https://harbor', 'team/model', 'v1', undefined],
    [`oci://reg.example/model@${DIGEST}`, 'https://reg.example', 'model', undefined, DIGEST],
    [`oci://reg.example/model:v1@${DIGEST}`, 'https://reg.example', 'model', undefined, DIGEST],
    ['oci://localhost:5000/model:v1', 'http://localhost:5000', 'model', 'v1', undefined],
    ['oci://127.0.0.1:5000/model:v1', 'http://127.0.0.1:5000', 'model', 'v1', undefined],
    ['oci://[::1]:5000/model:v1', 'http://[::1]:5000', 'model', 'v1', undefined],
    ['oci://docker.io/alpine:3', 'https://registry-1.docker.io', 'library/alpine', '3', undefined],
    ['oci://docker.io/team/model', 'https://registry-1.docker.io', 'team/model', 'latest', undefined],
  ])('%s is read', (url, baseUrl, repository, tag, digest) => {
    expect(parseArtifactUrl(url)).toMatchObject({ baseUrl, repository, tag, digest })
  })

  test('to a registry without TLS is http only on request', () => {
    expect(parseArtifactUrl('oci://reg.example:5000/a', { plainHttp: true }).baseUrl).toBe('http://reg.example:5000')
  })

  test('has a name for people', () => {
    expect(artifactName(parseArtifactUrl('oci://reg.example/a'))).toBe('reg.example/a:latest')
    expect(artifactName(parseArtifactUrl(`oci://reg.example/a:v1@${DIGEST}`))).toBe(`reg.example/a@${DIGEST}`)
  })

  test.each([
    'oci://',
    'oci://reg.example',
    'oci://reg.example/',
    'oci:///model',
    'oci://reg.example/Model',
    'oci://reg.example/a/../b',
    'oci://reg.example/a:v1:v2',
    'oci://reg.example/a:',
    'oci://reg.example/a:-v',
    'oci://reg.example/a@sha256:123',
    'oci://reg.example/a@md5:123',
    'oci://reg.example/a?x=1',
    'oci://user:secret@reg.example/a',
    'oci://reg.example:99999/a',
    'oci://reg example/a',
    'https://reg.example/a',
  ])('%s is refused', url => {
    expect(() => parseArtifactUrl(url)).toThrow(
      expect.objectContaining({
        code: 'REQUEST_INVALID',
        detail: expect.stringContaining('oci://registry/repository:tag'),
      }),
    )
  })

  test('is told from other URLs', () => {
    expect(['oci://a/b', 'OCI://a/b', 'https://a/b', 'oci:a'].map(isArtifactUrl)).toEqual([true, true, false, false])
  })
})

describe('the path of a blob', () => {
  const path = (annotations: Record<string, string> | null, mediaType?: string) =>
    blobPath({ digest: DIGEST, size: 1, annotations, ...(mediaType === undefined ? {} : { mediaType }) })
  const titled = (title: string, more = {}) => ({ 'org.opencontainers.image.title': title, ...more })

  test.each([
    ['application/vnd.oci.image.layer.v1.tar+gzip', '.tar.gz'],
    ['application/vnd.oci.image.layer.v1.tar+zstd', '.tar.zst'],
    ['application/vnd.oci.image.layer.v1.tar', '.tar'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', '.tar.gz'],
    ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', '.tar.gz'],
    ['application/x-tar', '.tar'],
    ['application/vnd.avatar', '.bin'],
    ['application/json', '.bin'],
    [undefined, '.bin'],
  ])('without a title, of type %s, ends in %s', (mediaType, extension) => {
    expect(path(null, mediaType)).toBe(`${HEX.slice(0, 12)}${extension}`)
  })

  test('is its title', () => {
    expect(path(titled('weights/model 1.safetensors'), 'application/x-tar')).toBe('weights/model 1.safetensors')
  })

  test.each([
    ['model', 'application/vnd.oci.image.layer.v1.tar+gzip', 'model.tar.gz'],
    ['model', 'application/vnd.team.model', 'model.tar.gz'],
    ['model.tar', 'application/x-tar', 'model.tar'],
  ])('of a packed directory %s of type %s is %s', (title, mediaType, expected) => {
    expect(path(titled(title, { 'io.deis.oras.content.unpack': 'true' }), mediaType)).toBe(expected)
  })

  test.each([
    ['../../etc/passwd'],
    ['/etc/passwd'],
    ['a/../../b'],
    ['..'],
    [''],
    ['a//b'],
    ['dir/'],
    ['a\0b'],
    ['\x1b[2J'],
  ])('is never the title %j', title => {
    expect(() => path(titled(title))).toThrow(
      expect.objectContaining({
        code: 'MANIFEST_INVALID',
        detail: expect.stringMatching(/is no path below the output directory$/),
      }),
    )
  })
})

describe('an index', () => {
  const digestFor = (name: string): Digest => digestOf(Buffer.from(name))
  const entry = (os: string, architecture: string, variant?: string) => ({
    digest: digestFor(`${os}/${architecture}/${variant}`),
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
  })
  const index = {
    manifests: [
      entry('windows', 'amd64'),
      entry('linux', 'amd64'),
      entry('linux', 'arm', 'v6'),
      entry('linux', 'arm', 'v7'),
      entry('unknown', 'unknown'),
    ],
  }

  test.each([
    ['linux/amd64', 'linux/amd64/undefined'],
    ['windows/amd64', 'windows/amd64/undefined'],
    ['linux/arm', 'linux/arm/v6'],
    ['linux/arm/v7', 'linux/arm/v7'],
  ])('has for %s the manifest of %s', (platform, name) => {
    expect(chooseByPlatform(index, platform, 'it')).toBe(digestFor(name))
  })

  test('lists what there is', () => {
    expect(() => chooseByPlatform(index, 'linux/s390x', 'reg/a:v1')).toThrow(
      expect.objectContaining({
        code: 'MANIFEST_UNKNOWN',
        detail: 'reg/a:v1 has nothing for linux/s390x; it has windows/amd64, linux/amd64, linux/arm/v6, linux/arm/v7',
      }),
    )
  })

  test('of nothing says so', () => {
    expect(() => chooseByPlatform({ manifests: [] }, 'linux/amd64', 'a')).toThrow('it is empty')
  })

  test('of one manifest for no platform has that', () => {
    const one = { digest: DIGEST }
    expect(chooseByPlatform({ manifests: [one] }, 'linux/amd64', 'a')).toBe(DIGEST)
    expect(() => chooseByPlatform({ manifests: [one, one] }, 'linux/amd64', 'a')).toThrow(`it has @${DIGEST}`)
  })

  test.each([[''], ['linux'], ['linux/'], ['/amd64'], ['linux/arm/'], ['linux/arm/v7/x']])(
    'knows no platform %j',
    platform => {
      expect(() => chooseByPlatform(index, platform, 'a')).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
    },
  )

  test.each([
    ['x64', 'linux/amd64'],
    ['arm64', 'linux/arm64'],
    ['ia32', 'linux/386'],
  ])('is read on %s for %s', (architecture, platform) => {
    expect(ownPlatform(architecture)).toBe(platform)
  })
})

describe('a manifest', () => {
  const blob = { digest: DIGEST, size: 1 }
  const parse = (document: unknown, type?: string) =>
    parseArtifactManifest(
      Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)),
      'the manifest of a',
      type,
    )

  test('may have null for annotations', () => {
    const document = { config: blob, layers: [{ ...blob, annotations: null }] }
    expect(parse(document)).toEqual(document)
  })

  test.each([
    ['<html>', undefined, 'the manifest of a is not JSON'],
    ['null', undefined, 'of a type that is not told'],
    [{ schemaVersion: 1, fsLayers: [] }, 'application/vnd.docker.distribution.manifest.v1+json', 'manifest.v1+json"'],
    [
      { mediaType: 'application/vnd.team.thing', blobs: [] },
      'application/json',
      'of type "application/vnd.team.thing"',
    ],
    [{ config: blob, layers: [{ ...blob, size: -1 }] }, undefined, 'malformed'],
    [{ config: blob, layers: [{ ...blob, digest: 'sha256:0' }] }, undefined, 'malformed'],
    [{ config: blob, layers: [], manifests: [] }, undefined, 'is both a manifest and an index'],
  ])('%j of type %s is refused: %s', (document, type, detail) => {
    expect(() => parse(document, type)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID', detail: expect.stringContaining(detail) }),
    )
  })
})

test.each([
  [{ HOME: '/home-of-user' }, '/home-of-user/.docker/config.json'],
  [{ HOME: '/home-of-user', DOCKER_CONFIG: '/etc/docker-config' }, '/etc/docker-config/config.json'],
])('the accounts of %j are in %s', (environment, path) => {
  expect(userDockerConfigs(environment)).toEqual([{ path, required: false }])
})
