import assert from 'node:assert/strict'
import { isAbsoluteForm, parsePlainTarget } from '../../../dfdaemon/intercept/proxied-request.ts'
import { withRegistryBehind } from '../../../dfdaemon/proxy/upstream.ts'
import { parseHeaders } from '../../../dfget/cli/request/headers.ts'
import { downloadRequest } from '../../../dfget/cli/request/request.ts'
import { answeringDirectory, directoryUrl, WebDirectory } from '../../../dfget/sources/http/index-link.ts'
import { createPathFilter } from '../../../dfget/sources/path-filter.ts'
import { isSafeName, isSafePath } from '../../../dfget/sources/safe-path.ts'
import { artifactName, parseArtifactUrl } from '../../../lib/origin/artifacts/artifact-reference.ts'
import { parseFileUrl } from '../../../lib/origin/file-url.ts'
import { parseHttpUrl, redactUrl } from '../../../lib/origin/http-url.ts'
import { findProxies } from '../../../lib/origin/proxy.ts'
import { formatS3Url, parseS3Url, s3HttpUrl } from '../../../lib/origin/s3/s3-url.ts'
import { mirrorBaseUrl } from '../../../lib/origin/upstreams/mirror-url.ts'
import { digestOfSwarmUrl } from '../../../protocol/swarm-url.ts'
import { isTaskId, normaliseUrl, taskIdOfUrl } from '../../../protocol/task.ts'
import { withoutV1Prefix } from '../../../supernode/api/v1-prefix.ts'
import { asLatin1, asUtf8, refusing } from '../engine/expected.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const PIECES = [
  'http://',
  'https://',
  's3://',
  'oci://',
  'file:///',
  'swarm:',
  '//',
  '..',
  '%2e',
  '%2f',
  '%00',
  '?',
  '#',
  '@',
  ':',
  '[',
  ']',
  '\\',
  '/v2/',
  '\t',
]
const REFUSED = ['REQUEST_INVALID', 'DIGEST_INVALID'] as const

function seedsOf(...texts: readonly string[]): () => readonly Uint8Array[] {
  return () => texts.map(text => Buffer.from(text))
}

const url = pureTarget(
  {
    name: 'url',
    about: 'URLs of content: http, s3, oci, file, swarm; of mirrors and proxies; of requests',
    maxBytes: 8192,
    dictionary: PIECES,
    seeds: seedsOf(
      'https://user:p@files.example/a/b.bin?X-Sig=1#x',
      's3://bucket/key with blanks',
      'oci://harbor.example/team/model:v1',
      'file:///srv/a%20b',
      `swarm:sha256:${'0a'.repeat(32)}`,
      'http://r.example/v2/a/b?ns=docker.io',
      '/harbor.example/v2/a/manifests/x?ns=y',
    ),
  },
  input => {
    const text = asUtf8(input)
    const request = refusing(REFUSED, () =>
      downloadRequest(text, { header: [] } as unknown as Parameters<typeof downloadRequest>[1]),
    )
    if (request?.suggestedName !== undefined) assert(isSafeName(request.suggestedName))
    if (refusing(REFUSED, () => parseHttpUrl(text)) !== undefined) {
      assert.equal(normaliseUrl(normaliseUrl(text)), normaliseUrl(text))
      assert(isTaskId(taskIdOfUrl({ url: text, filter: ['X-Sig', ''] })))
    }
    redactUrl(text)
    const path = refusing(REFUSED, () => parseFileUrl(text))
    if (path !== undefined) assert(path.startsWith('/') && !path.includes('\0'))
    const object = refusing(REFUSED, () => parseS3Url(text))
    if (object !== undefined) {
      assert.deepEqual(parseS3Url(formatS3Url(object)), object)
      const place = { endpoint: 'https://store.example/base', region: 'eu-1', pathStyle: true }
      assert(new URL(s3HttpUrl(object, place)).pathname.startsWith(`/base/${object.bucket}/`))
    }
    const artifact = refusing(REFUSED, () => parseArtifactUrl(text))
    if (artifact !== undefined) assert.deepEqual(parseArtifactUrl(`oci://${artifactName(artifact)}`), artifact)
    digestOfSwarmUrl(text)
    refusing(['CONFIG_INVALID'], () => mirrorBaseUrl(text, 'mirror'))
    refusing(['CONFIG_INVALID'], () => findProxies(text, {}))
    refusing(['CONFIG_INVALID'], () => findProxies(undefined, { http_proxy: text }))
  },
)

/** The target of a request line. */
const requestTarget = pureTarget(
  {
    name: 'request-target',
    about: 'what is asked for in a request line',
    maxBytes: 8192,
    dictionary: PIECES,
    seeds: seedsOf('http://r.example/v2/a', '/harbor.example/v2/a/manifests/x?ns=y', '/api/v1/tasks', '/v1/peer'),
  },
  input => {
    const text = asLatin1(input)
    withoutV1Prefix(text)
    if (isAbsoluteForm(text)) refusing(REFUSED, () => parsePlainTarget(text))
    // Node hands no other targets to a route.
    if (!/^\/[\x21-\x7e]*$/.test(text)) return
    const behind = refusing(['ROUTE_UNKNOWN', 'NAME_INVALID'], () => withRegistryBehind(text))
    if (behind !== undefined) assert(behind.startsWith('/v2/'))
  },
)

const start = new WebDirectory(new URL('https://files.example/pub/data/'))
const page = new WebDirectory(new URL('https://files.example/pub/data/sub/'))

const indexLink = pureTarget(
  {
    name: 'index-link',
    about: 'links of index pages, and redirects of those pages',
    maxBytes: 4096,
    dictionary: [...PIECES, '/pub/data/', 'https://files.example/', '.', '%5c', '%252e', 'javascript:'],
    seeds: seedsOf('a.bin', './sub/', '../', '?C=N;O=D', 'https://files.example/pub/data/x/y.bin?v=1#top', 'a%20b/'),
  },
  input => {
    const href = asUtf8(input)
    const link = start.linkBelow(href, page, page.url)
    if (link !== undefined) {
      assert(isSafePath(link.path), `leads to ${link.path}`)
      // Slashes that follow each other are one.
      assert(new URL(link.url).pathname.replace(/\/+/g, '/').startsWith('/pub/data/'), `leads to ${link.url}`)
    }
    const answered = URL.parse(href, page.url.href)
    if (answered !== null && answered.protocol === 'https:') answeringDirectory(page.url, answered)
    if (URL.canParse(href) && /^https?:/i.test(href)) directoryUrl(href)
  },
)

/** Lines: a pattern, a path. */
const pathFilter = pureTarget(
  {
    name: 'path-filter',
    about: 'patterns of --include and --exclude',
    maxBytes: 512,
    dictionary: ['*', '**', '?', '[', ']', '{', '}', ',', '/', '!', '\n', '..', '\\', '(', '|', '[!a-z]', '{1..100}'],
    seeds: seedsOf('*.bin\na/b.bin', 'docs/**\ndocs/x/y', '[!a-c]?{x,y}/**/z\nd1x/a/z', 'a/{b,c}/\na/b/c'),
  },
  input => {
    const [pattern = '', path = ''] = asUtf8(input).split('\n', 2)
    const filter = refusing(['REQUEST_INVALID'], () =>
      createPathFilter({ include: [pattern], exclude: ['*.tmp', pattern] }),
    )
    filter?.accepts(path)
    filter?.mayHold(path)
  },
)

const headers = pureTarget(
  {
    name: 'header-option',
    about: 'headers of --header',
    maxBytes: 16_384,
    dictionary: [': ', ':', '\n', '\r', ' ', '\t', '\0', 'Authorization: Bearer x'],
    seeds: seedsOf('Accept: text/html', 'X-A:\tb c  ', 'authorization: Basic Og=='),
  },
  input => {
    const found = refusing(['REQUEST_INVALID'], () => parseHeaders([asUtf8(input), 'x: y']))
    if (found !== undefined) for (const [name, value] of Object.entries(found)) new Headers().append(name, value)
  },
)

/** URLs, paths and what else people write on a command line. */
export const URL_TARGETS: readonly FuzzTarget[] = [url, requestTarget, indexLink, pathFilter, headers]
