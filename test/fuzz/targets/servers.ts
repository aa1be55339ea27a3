import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:http'
import { request } from 'undici'
import { startCluster, type TestCluster, type TestProgram } from '../../helpers/cluster.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import type { FuzzTarget } from '../engine/target.ts'
import { checkResponses, createRawTurn, startRawClient } from './http-server.ts'
import { onlyReach } from './only-this-registry.ts'
import { blobDigest, pushImage } from './server-content.ts'

const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
/** Pieces of HTTP/1.1. */
export const FRAMING = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  ' ',
  '\t',
  '\0',
  ':',
  'Content-Length: ',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding:\tchunked, identity\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  'fffffffffffffff1\r\n',
  ';ext="\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\n',
  'Expect: 100-continue\r\n',
  'Host: x\r\n',
  '\r\n obs-fold\r\n',
  'HTTP/1.0',
  'HTTP/2.0',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'TE: trailers\r\n',
  'Trailer: x\r\n',
]
export const PATHS = [
  '/v2/',
  '/api/v1/',
  '//',
  '/..',
  '%2e%2e',
  '%2f',
  '%00',
  '%',
  '?',
  '#',
  '\\',
  '[',
  ']',
  '*',
  ';',
  '/_ping',
  '/openapi.json',
  '/metrics',
  '/version',
]
export const METHODS = ['GET ', 'HEAD ', 'POST ', 'PUT ', 'DELETE ', 'OPTIONS ', 'PATCH ', 'TRACE ', 'CONNECT ']

/** A request as it goes over the wire. */
export function wire(line: string, headers: readonly string[] = [], body = ''): Uint8Array {
  const length = body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]
  return Buffer.from(
    `${[`${line} HTTP/1.1`, 'Host: mirror', ...headers, ...length].join('\r\n')}\r\n\r\n${body}`,
    'latin1',
  )
}

function json(value: unknown): string {
  return JSON.stringify(value)
}

const source = { url: 'http://127.0.0.1:1/v2/a/b', headers: { accept: '*/*' }, digest: `sha256:${'0a'.repeat(32)}` }

const SUPERNODE_REQUESTS = [
  wire('GET /api/v1/peers?pageNum=1&pageSize=5&sortKey=id'),
  wire('GET /api/v1/tasks'),
  wire(`GET /api/v1/tasks/${source.digest}`),
  wire(`DELETE /api/v1/tasks/${source.digest}?copies=true`),
  wire('POST /api/v1/tasks/locate', [], json({ source })),
  wire('POST /peer/registry', [], json({ peerId: PEER, source, inline: true })),
  wire(`PUT /api/v1/tasks/${source.digest}/replicas`, [], json({ wanted: 2 })),
  wire(`PUT /api/v1/tasks/${source.digest}?replicas=1`, ['Content-Type: application/octet-stream'], 'bytes'),
  wire(`POST /api/v1/peers/${PEER}/dial-back`),
  wire('GET /api/v1/limits'),
  wire('PUT /api/v1/limits', [], json({ uploadRate: 5 })),
  wire('GET /v1.0.6/openapi.json'),
  wire('GET /api/v1/cluster'),
  wire('GET /version'),
]

const DFDAEMON_REQUESTS = [
  wire('GET /v2/'),
  wire('GET /v2/library/test/manifests/latest?ns=docker.io', [
    'Accept: application/vnd.oci.image.index.v1+json',
    'Authorization: Basic Og==',
  ]),
  wire(`GET /v2/library/test/blobs/${blobDigest}`, ['Range: bytes=0-9', 'If-Range: "x"']),
  wire(`HEAD /v2/library/test/blobs/${blobDigest}`, ['X-Dragonfly-Registry: https://index.docker.io']),
  wire('GET /127.0.0.1_5000/v2/library/test/tags/list?n=5&ns=x'),
  wire(`GET /v2/library/test/referrers/${blobDigest}?artifactType=a`),
  wire('POST /v2/library/test/blobs/uploads/'),
  wire('GET http://127.0.0.1:1/v2/library/test/manifests/latest'),
  Buffer.concat([wire('CONNECT 127.0.0.1:1'), wire('GET /v2/')]),
  wire('POST /api/v1/content', ['Range: bytes=2-'], json({ source, swarmOnly: true })),
  wire('GET /api/v1/store'),
  wire(`POST /api/v1/store/tasks/${blobDigest}/verify`),
  wire(`DELETE /api/v1/store/tasks/${blobDigest}`),
  wire('POST /api/v1/store/gc'),
  wire('GET /v1/pulls?id=1'),
  wire('GET /api/v1/tasks'),
  wire('GET /api/v1/node', ['Via: 1.1 x']),
]

interface RawTargetInit {
  readonly name: string
  readonly about: string
  readonly requests: readonly Uint8Array[]
  /** Starts the program. */
  readonly start: (cluster: TestCluster) => Promise<TestProgram>
}

/** A program that is sent raw bytes. */
function rawTarget({ name, about, requests, start }: RawTargetInit): FuzzTarget {
  return {
    name,
    about,
    isProgram: true,
    maxBytes: 32 * 1024,
    dictionary: [...FRAMING, ...PATHS, ...METHODS],
    seeds: () => [...requests, Buffer.concat(requests.slice(0, 4)), chunked()],
    // Connections, caches of tokens and answers, metrics: bounded, and not there after so few inputs.
    growthMiB: { heap: 48, rss: 192 },
    async open() {
      const stack = new AsyncDisposableStack()
      const cluster = stack.use(await startCluster())
      await pushImage(cluster.registry)
      const program = await start(cluster)
      const server = await serverOf(program.url)
      const scratch = stack.use(await createScratchDirectory('/dev/shm'))
      const client = await startRawClient(server, scratch.path)
      stack.defer(() => client.close())
      stack.defer(onlyReach(Number(new URL(cluster.registry.url).port)))
      const run = createRawTurn(client, ({ text }) => checkResponses(text))
      return { run, close: () => stack.disposeAsync() }
    },
  }
}

function chunked(): Uint8Array {
  const head =
    'POST /peer/registry HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n'
  return Buffer.from(`${head}2;a=b\r\n{}\r\n0\r\nTrailer: x\r\n\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n`)
}

/** The server that answers at a URL in this process. */
export async function serverOf(url: string): Promise<Server> {
  const channel = 'http.server.request.start'
  let found: Server | undefined
  const see = (message: unknown): void => {
    found ??= (message as { server: Server }).server
  }
  subscribe(channel, see)
  await (await request(`${url}/_ping`)).body.dump()
  unsubscribe(channel, see)
  if (found === undefined) throw new Error(`nothing in this process answers at ${url}`)
  return found
}

/** The programs as whole servers: bytes in, answers out. */
export const SERVER_TARGETS: readonly FuzzTarget[] = [
  rawTarget({
    name: 'supernode-http',
    about: 'the HTTP API of the supernode, from the first byte of a connection on',
    requests: SUPERNODE_REQUESTS,
    start: cluster => cluster.supernode(),
  }),
  rawTarget({
    name: 'dfdaemon-http',
    about: 'the mirror, the API and the proxy of dfdaemon, from the first byte of a connection on',
    requests: DFDAEMON_REQUESTS,
    start: cluster =>
      cluster.dfdaemon(
        { 'intercept.enabled': 'true', 'intercept.connect.allow': '127.0.0.1' },
        { registries: { allow: ['127.0.0.1*', 'docker.io', 'r.example'] } },
      ),
  }),
]
