import assert from 'node:assert/strict'
import { contentLength, planContent } from '../../../lib/origin/content-plan.ts'
import { Bitfield } from '../../../protocol/bitfield.ts'
import { BLOCK_DIGEST_BYTES, BlockMap } from '../../../protocol/block-map.ts'
import { bearerChallenge, formatChallenges, parseChallenges } from '../../../protocol/challenge.ts'
import { keysOfSeed } from '../../../protocol/ed25519-seed.ts'
import { parseManifest } from '../../../protocol/image-manifest.ts'
import { parseContentRange, parseRange, resolveRange } from '../../../protocol/range.ts'
import { isRepositoryName, isTag, parseRegistryPath } from '../../../protocol/registry-path.ts'
import { createTicketVerifier, signTicket } from '../../../protocol/ticket.ts'
import { asLatin1, asUtf8, refusing } from '../engine/expected.ts'
import { mutateJson } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const DIGEST = `sha256:${'0a'.repeat(32)}`
const SIZES = [0, 1, 2, 255, 2 ** 32, Number.MAX_SAFE_INTEGER]

const bitfield = pureTarget(
  { name: 'bitfield', about: 'bitfields of inventories', maxBytes: 4096, seeds: () => [Uint8Array.of(0xf0, 1)] },
  input => {
    const field = Bitfield.fromBytes(input)
    const wire = field.toBytes()
    assert(wire.length <= input.length && wire.at(-1) !== 0)
    assert.deepEqual(Bitfield.fromBytes(wire).toBytes(), wire)
    const set = [...field]
    assert.equal(set.length, field.count)
    assert(set.every(index => field.has(index)))
    const clear = field.firstClear()
    assert(!field.has(clear) && clear <= input.length * 8)
  },
)

/** A head of 12 bytes says the size, the block size and where the run begins. */
const blockMap = pureTarget(
  {
    name: 'block-map',
    about: 'runs of block digests, as map messages bring them',
    maxBytes: 4096,
    seeds: () => [Buffer.concat([Buffer.from('000000400000000800000000', 'hex'), Buffer.alloc(96, 7)])],
  },
  input => {
    const head = new DataView(Uint8Array.from(Buffer.concat([input.subarray(0, 12), Buffer.alloc(12)])).buffer)
    const size = head.getUint32(0)
    const map = new BlockMap(1 + head.getUint32(4), size % 3 === 0 ? undefined : size)
    const run = input.subarray(12)
    const taken = map.extend(head.getUint32(8) % 3, run)
    assert.equal(map.length, taken ? Math.floor(run.length / BLOCK_DIGEST_BYTES) : 0)
    if (taken) assert.deepEqual(Buffer.from(map.slice(0, map.length)), Buffer.from(run))
    assert(map.length <= (map.blockCount ?? Number.POSITIVE_INFINITY))
  },
)

const range = pureTarget(
  {
    name: 'range',
    about: 'Range of requests',
    maxBytes: 16_384,
    dictionary: ['bytes=', '-', ',', ' ', '0-0', 'BYTES=', 'bits=', '\t'],
    seeds: () => ['bytes=0-0', 'bytes=5-', 'bytes=-7', 'bytes=0-0,5-9', 'bytes= 1-2 '].map(text => Buffer.from(text)),
  },
  input => {
    const request = parseRange(asLatin1(input))
    if (request === undefined) return
    for (const sizeBytes of SIZES) {
      const found = refusing(['RANGE_INVALID'], () => resolveRange(request, sizeBytes))
      if (found !== undefined) assert(0 <= found.start && found.start < found.end && found.end <= sizeBytes)
    }
  },
)

const contentRange = pureTarget(
  {
    name: 'content-range',
    about: 'Content-Range, Content-Length and Content-Encoding of origins',
    maxBytes: 16_384,
    dictionary: ['bytes ', '/', '*', '-', '\n', 'identity', 'gzip', '0-0/1', ' '],
    seeds: () => ['bytes 0-9/10\n10\n', 'bytes 5-9/*\n5\nidentity', 'bytes */10\n\n'].map(text => Buffer.from(text)),
  },
  input => {
    const [contentRange = '', length = '', encoding = ''] = asLatin1(input).split('\n', 3)
    const found = parseContentRange(contentRange)
    if (found !== undefined) {
      assert(0 <= found.start && found.start < found.end && Number.isSafeInteger(found.end))
      assert(found.sizeBytes === undefined || found.end <= found.sizeBytes)
    }
    contentLength(length)
    const headers = { 'content-range': contentRange, 'content-length': length, 'content-encoding': encoding }
    for (const status of [200, 206] as const) {
      for (const asked of [
        { start: 0, end: undefined },
        { start: 5, end: 10 },
      ]) {
        const plan = planContent(status, headers, asked)
        if (!('start' in plan)) continue
        assert(plan.start >= asked.start && plan.bodyStart <= plan.start)
        if (asked.end !== undefined && plan.end !== undefined) assert(plan.end <= asked.end)
      }
    }
  },
)

const challenge = pureTarget(
  {
    name: 'challenge',
    about: 'WWW-Authenticate of registries',
    maxBytes: 16_384,
    dictionary: [
      'Bearer ',
      'Basic ',
      'realm="',
      'service="',
      'scope="',
      'error=',
      ',',
      ' ',
      '"',
      '\\',
      '==',
      '\t',
      '=',
      '\\"',
    ],
    seeds: () => [
      Buffer.from(
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"',
      ),
      Buffer.from('Negotiate dG9rZW4=, Basic realm="x\\"y", Bearer realm=abc , , error=invalid_token'),
    ],
  },
  input => {
    const text = asLatin1(input)
    bearerChallenge(text)
    const challenges = parseChallenges(text)
    if (challenges === undefined) return
    const written = formatChallenges(challenges)
    assert.deepEqual(parseChallenges(written), challenges)
  },
)

const registryPath = pureTarget(
  {
    name: 'registry-path',
    about: 'paths of registry requests',
    maxBytes: 8192,
    dictionary: [
      '/v2/',
      '/blobs/',
      '/manifests/',
      '/referrers/',
      '/tags/list',
      '/blobs/uploads/',
      DIGEST,
      '..',
      '/',
      '__',
      '%2f',
      ':',
    ],
    seeds: () =>
      [
        '/v2/',
        `/v2/library/alpine/blobs/${DIGEST}`,
        '/v2/a/b-c__d/manifests/v1.0',
        '/v2/a/tags/list',
        '/v2/a/blobs/uploads/x',
      ].map(text => Buffer.from(text)),
  },
  input => {
    const read = () => parseRegistryPath(asLatin1(input))
    const found = refusing(['NAME_INVALID', 'DIGEST_INVALID', 'MANIFEST_INVALID', 'ROUTE_UNKNOWN'], read)
    if (found === undefined || found.kind === 'base') return
    assert(isRepositoryName(found.name) && !found.name.includes('..'))
    if (found.kind === 'manifest') assert(isTag(found.reference) || found.reference.startsWith('sha'))
  },
)

const manifest = pureTarget(
  {
    name: 'image-manifest',
    about: 'image manifests and indexes of registries',
    maxBytes: 16_384,
    dictionary: [
      '"config":',
      '"layers":',
      '"manifests":',
      '"digest":',
      '"size":',
      `"${DIGEST}"`,
      '{',
      '}',
      '[',
      ']',
      '"platform":',
    ],
    seeds: () => [
      Buffer.from(JSON.stringify({ config: { digest: DIGEST, size: 2 }, layers: [{ digest: DIGEST, size: 5 }] })),
      Buffer.from(
        JSON.stringify({
          manifests: [{ digest: DIGEST, platform: { os: 'linux', architecture: 'amd64' } }, { digest: DIGEST }],
        }),
      ),
    ],
    mutate: mutateJson,
  },
  input => {
    const found = refusing(['MANIFEST_INVALID'], () => parseManifest(input))
    if (found !== undefined && 'layers' in found)
      assert(found.layers.every(({ size }) => Number.isSafeInteger(size) && size >= 0))
  },
)

const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const clusterKey = keysOfSeed(Buffer.alloc(32, 5))
const expected = { task: DIGEST, peer: PEER }
const genuine = signTicket({ task: DIGEST as never, peer: PEER, expiresAt: 1_000 }, clusterKey)

const ticket = pureTarget(
  {
    name: 'ticket',
    about: 'tickets that peers show',
    maxBytes: 2048,
    dictionary: ['=', '-', '_', 'A'],
    seeds: () => [
      Buffer.from(genuine),
      Buffer.from(signTicket({ task: DIGEST as never, peer: 'x', expiresAt: 1 }, clusterKey)),
    ],
  },
  input => {
    const text = asUtf8(input)
    const codes = ['TICKET_INVALID', 'MESSAGE_INVALID'] as const
    const claims = refusing(codes, () => createTicketVerifier(clusterKey.publicKey).verify(text, expected, 500))
    // base64url has several spellings of the same bytes.
    if (claims !== undefined) assert.deepEqual(Buffer.from(text, 'base64url'), Buffer.from(genuine, 'base64url'))
    refusing(codes, () => createTicketVerifier(text))
  },
)

/** What is in the protocol: the words that programs speak with each other and with registries. */
export const PROTOCOL_TARGETS: readonly FuzzTarget[] = [
  bitfield,
  blockMap,
  range,
  contentRange,
  challenge,
  registryPath,
  manifest,
  ticket,
]
