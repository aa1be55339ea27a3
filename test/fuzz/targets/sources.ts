import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { readHtmlIndex } from '../../../dfget/sources/http/html-index.ts'
import { readJsonIndex } from '../../../dfget/sources/http/json-index.ts'
import { blobPath } from '../../../dfget/sources/oci/blob-path.ts'
import { isSafePath } from '../../../dfget/sources/safe-path.ts'
import { type ArtifactManifest, parseArtifactManifest } from '../../../lib/origin/artifacts/artifact-manifest.ts'
import { chooseByPlatform } from '../../../lib/origin/artifacts/platform.ts'
import { parseS3Error, parseS3List } from '../../../lib/origin/s3/s3-xml.ts'
import { refusing, refusingLater } from '../engine/expected.ts'
import { inPieces } from '../engine/pieces.ts'
import { jsonBytes, mutateJson } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const DIGEST = `sha256:${'0a'.repeat(32)}`

function recorded(file: string): Uint8Array {
  return readFileSync(new URL(`../../unit/dfget/sources/recorded/${file}`, import.meta.url))
}

async function* streamed(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces
}

const html = pureTarget(
  {
    name: 'html-index',
    about: 'index pages of web servers, in HTML',
    maxBytes: 16_384,
    dictionary: [
      '<a href="',
      '<base href=',
      '">',
      '</a>',
      '<!--',
      '-->',
      '<script>',
      '<![CDATA[',
      ']]>',
      '&amp;',
      '&#x0;',
      '<',
      '/>',
      "'",
      '<title>',
      '</',
      '\0',
      '<svg>',
    ],
    seeds: () => ['apache.html', 'nginx.html', 'python.html', 'lighttpd.html', 'caddy.html'].map(recorded),
  },
  async input => {
    const atOnce = await readHtmlIndex(streamed([input]), undefined)
    const pieced = await readHtmlIndex(streamed(inPieces(input)), 'utf-8')
    assert.deepEqual(pieced, atOnce)
  },
)

const json = pureTarget(
  {
    name: 'json-index',
    about: "index pages of web servers, in nginx's JSON",
    maxBytes: 16_384,
    dictionary: ['"name":', '"type":"file"', '"type":"directory"', '"size":', '{', '}', '[', ']', '\\ud800', '..', '/'],
    seeds: () => [recorded('nginx-json.txt')],
    mutate: mutateJson,
  },
  async input => {
    const found = await refusingLater(['ORIGIN_FAILED'], () => readJsonIndex(streamed([input]), 'x'))
    for (const { href } of found?.entries ?? []) assert(href.startsWith('./') && !href.slice(2, -1).includes('/'))
  },
)

const XML = [
  '<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken><EncodingType>url</EncodingType><Contents><Key>a%20b+c</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>5</Size></Contents></ListBucketResult>',
  '<Error><Code>PermanentRedirect</Code><Message>no &amp; never</Message><Region>eu-1</Region></Error>',
]

const xml = pureTarget(
  {
    name: 's3-xml',
    about: 'listings and errors of S3 stores, in XML',
    maxBytes: 16_384,
    dictionary: [
      '<Contents>',
      '</Contents>',
      '<Key>',
      '</Key>',
      '<Size>',
      '<!DOCTYPE',
      '<!ENTITY',
      '<![CDATA[',
      ']]>',
      '&#x41;',
      '&amp;',
      '<?',
      '?>',
      '<!--',
      '-->',
      '<__proto__>',
      '<constructor>',
      ' a="b"',
    ],
    seeds: () => XML.map(text => Buffer.from(text)),
  },
  async input => {
    const error = await parseS3Error(input)
    if (error !== undefined) assert(error.message.length <= 200 && !/\p{Cc}/u.test(error.message))
    const list = await parseS3List(input)
    if ('misfit' in list) return
    for (const { key, sizeBytes } of list.objects)
      assert(key !== '' && Number.isSafeInteger(sizeBytes) && sizeBytes >= 0)
  },
)

const TITLE = 'org.opencontainers.image.title'

const artifact = pureTarget(
  {
    name: 'artifact-manifest',
    about: 'manifests of artifacts, and what their files are called',
    maxBytes: 16_384,
    dictionary: [
      `"${TITLE}":`,
      '"io.deis.oras.content.unpack":"true"',
      '"../x"',
      '"/etc"',
      '"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip"',
      '{',
      '}',
    ],
    seeds: () => [
      jsonBytes({
        config: { digest: DIGEST, size: 2, mediaType: 'application/vnd.oci.empty.v1+json' },
        layers: [
          {
            digest: DIGEST,
            size: 5,
            mediaType: 'x.tar+gzip',
            annotations: { [TITLE]: 'a/b.bin', 'io.deis.oras.content.unpack': 'true' },
          },
        ],
      }),
      jsonBytes({ manifests: [{ digest: DIGEST, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }] }),
    ],
    mutate: mutateJson,
  },
  input => {
    const found = refusing(['MANIFEST_INVALID'], () => parseArtifactManifest(input, 'x', 'text/html'))
    if (found === undefined) return
    if ('manifests' in found) refusing(['MANIFEST_UNKNOWN'], () => chooseByPlatform(found, 'linux/arm64', 'x'))
    else
      for (const layer of (found as ArtifactManifest).layers) {
        const path = refusing(['MANIFEST_INVALID'], () => blobPath(layer))
        if (path !== undefined) assert(isSafePath(path), path)
      }
  },
)

/** What lists files for dfget. */
export const SOURCE_TARGETS: readonly FuzzTarget[] = [html, json, xml, artifact]
