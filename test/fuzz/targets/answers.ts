import assert from 'node:assert/strict'
import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  endToEndHeaders,
  hasCredentials,
  withHost,
  withoutCredentials,
} from '../../../dfdaemon/intercept/proxied-headers.ts'
import { requestedRange } from '../../../dfdaemon/proxy/content.ts'
import { acceptOf } from '../../../dfdaemon/proxy/pass-through.ts'
import { apiRefusal } from '../../../lib/http/api-refusal.ts'
import {
  contentRequestHeaders,
  crossOriginHeaders,
  isAnonymous,
  upstreamHeaders,
} from '../../../lib/origin/request-headers.ts'
import { secondTryAfterMs } from '../../../lib/origin/second-try.ts'
import { ContentRefusal, DaemonTasks, NodeStatus, Pulls, StoreStatus } from '../../../protocol/messages/daemon-api.ts'
import { DialBackAnswer, ProgramVersion } from '../../../protocol/messages/diagnosis.ts'
import {
  ClusterInfo,
  RegistrationAnswer,
  RegistrationPending,
  RegistrationRequest,
} from '../../../protocol/messages/registration.ts'
import { LocatedTask, LocateRequest, ReplicaRequest } from '../../../protocol/messages/task-api.ts'
import { asLatin1, asUtf8, refusing } from '../engine/expected.ts'
import { jsonBytes, mutateJson } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const task = `sha256:${'0a'.repeat(32)}`
const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const supernode = { id: PEER, addresses: ['/ip4/10.0.0.1/tcp/65002'] }
const source = {
  url: 'https://r.example/v2/a/blobs/x',
  headers: { accept: '*/*' },
  digest: task,
  identity: { tag: 't', filter: ['x'] },
}

const SCHEMAS: readonly TSchema[] = [
  ContentRefusal,
  DaemonTasks,
  NodeStatus,
  Pulls,
  StoreStatus,
  DialBackAnswer,
  ProgramVersion,
  ClusterInfo,
  RegistrationAnswer,
  RegistrationPending,
  RegistrationRequest,
  LocatedTask,
  LocateRequest,
  ReplicaRequest,
  Type.Array(ReplicaRequest),
]
const compiled = SCHEMAS.map(schema => Compile(schema))

const SAMPLES = [
  { peerId: PEER, source, inline: true },
  { source },
  {
    state: 'admitted',
    taskId: task,
    blockSizeBytes: 1_048_576,
    sizeBytes: 5,
    ticket: 'AA',
    ticketExpiresAt: 1,
    supernode,
    clusterKey: 'k',
  },
  { state: 'pending' },
  { supernode, clusterKey: 'k' },
  { wanted: 3 },
  { name: 'supernode', version: '0.1.0' },
  { linked: true, reached: null, failures: [{ address: '/ip4/1.2.3.4/tcp/1', reason: 'refused' }] },
  { code: 'ORIGIN_FAILED', message: 'the origin answered with an error: x', originStatus: 503, retryAfter: '5' },
  { space: { tasks: 1, storedBytes: 5, claimedBytes: 5, pinnedBytes: 0, capacityBytes: null }, tasks: [] },
]

const apiJson = pureTarget(
  {
    name: 'api-json',
    about: 'JSON bodies and answers of our programs, against their schemas',
    maxBytes: 16_384,
    dictionary: ['{', '}', '[', ']', ':', ',', 'null', '1e999', '"\\u0000"', '"__proto__":', '-0'],
    seeds: () => SAMPLES.map(jsonBytes),
    mutate: mutateJson,
  },
  input => {
    let value: unknown
    try {
      value = JSON.parse(asUtf8(input))
    } catch {
      return
    }
    for (const schema of compiled) if (schema.Check(value)) assert.deepEqual(schema.Errors(value), [])
    apiRefusal(value)
  },
)

/** `Name: value` lines. */
const headers = pureTarget(
  {
    name: 'request-headers',
    about: 'headers of requests that are passed on, and of answers',
    maxBytes: 32_768,
    dictionary: [
      'Authorization: ',
      'Basic Og==',
      'Connection: ',
      'Content-Length: 5',
      'Range: bytes=',
      'Accept: ',
      'Retry-After: ',
      ', ',
      ';q=0',
      '\n',
      '\t',
    ],
    seeds: () => [
      Buffer.from(
        'Host: a\nConnection: close, x-a\nX-A: 1\nAuthorization: Basic Og==\nAccept: text/html;q=0.5, */*\nRange: bytes=0-4',
      ),
      Buffer.from('Retry-After: 1\nCookie: a=b\nIf-Range: "x"\nTransfer-Encoding: chunked'),
    ],
  },
  input => {
    const pairs = asLatin1(input)
      .split('\n')
      .map(line => [line.slice(0, Math.max(0, line.indexOf(':'))), line.slice(line.indexOf(':') + 1).trim()] as const)
    const record = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]))
    assert.equal(upstreamHeaders(record)['transfer-encoding'], undefined)
    assert.equal(crossOriginHeaders(record).authorization, undefined)
    contentRequestHeaders(record, 'bytes=0-1', 'x')
    for (const [, value] of pairs) isAnonymous(value)
    acceptOf({ headers: record } as unknown as Parameters<typeof acceptOf>[0])
    refusing(['RANGE_INVALID'], () => requestedRange(record.range, 10))
    for (const status of [429, 503]) {
      const pauseMs = secondTryAfterMs({ status, headers: record })
      assert(pauseMs === undefined || (pauseMs >= 0 && pauseMs <= 2_000))
    }
    const raw = endToEndHeaders(pairs.flat())
    assert(!hasCredentials(withoutCredentials(raw)))
    assert.equal(withHost(raw, 'a').filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length, 1)
  },
)

/** What programs tell each other over HTTP. */
export const ANSWER_TARGETS: readonly FuzzTarget[] = [apiJson, headers]
