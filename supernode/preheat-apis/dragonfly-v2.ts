import { type Static, Type } from 'typebox'
import { DamselflyError } from '../../protocol/errors.ts'
import { KeyField } from '../../protocol/messages/fields.ts'
import {
  MAX_PREHEATED_FILES,
  type PreheatJob,
  type PreheatRequest,
  type PreheatState,
  type PreheatSummary,
} from '../../protocol/messages/preheat-api.ts'
import { checkedPreheat, imageOfManifestUrl } from './checked-preheat.ts'
import { fileIdentity } from './dragonfly-files.ts'
import { V2Result, v2ResultOf } from './dragonfly-v2-result.ts'
import { withField, withoutNulls } from './go-json.ts'

const Text = Type.Optional(Type.String())
const Count = Type.Optional(Type.Integer({ minimum: 0, description: '0 for none' }))
const Anything = Type.Optional(Type.Object({}))

const ANY_NODES = ['', 'all_peers']
const SCOPES = ['', 'single_seed_peer', 'single_peer', 'all_seed_peers', 'all_peers'] as const
/** What there is of it here. Nobody has chosen the empty one, so it is left to our default. */
const OUR_SCOPES: Readonly<Record<(typeof SCOPES)[number], string | undefined>> = {
  '': undefined,
  single_seed_peer: 'supernode',
  single_peer: 'supernode',
  all_seed_peers: 'supernodes',
  all_peers: 'all',
}

const NS_PER_SECOND = 1e9

/**
 * `POST /oapi/v1/jobs` of Dragonfly v2 (contracts §4.1; its manager's types/job.go), without nulls. What is not named here is for how Dragonfly
 * does it, and has no effect: concurrent_count and its like, piece_length, scheduler_cluster_ids.
 */
export const V2JobRequest = Type.Object({
  type: Type.Enum(['preheat'], { type: 'string' }),
  args: Type.Object({
    type: Type.Enum(['image', 'file'], { type: 'string' }),
    url: Type.Optional(Type.String({ description: 'of a manifest, or of a file' })),
    urls: Type.Optional(Type.Array(Type.String(), { maxItems: MAX_PREHEATED_FILES, description: 'of files' })),
    headers: Type.Optional(
      Type.Record(KeyField, Type.String(), {
        description: 'for the registry; kept in memory, as long as the job lasts',
      }),
    ),
    username: Text,
    password: Text,
    platform: Type.Optional(Type.String({ description: 'os/architecture, as linux/amd64' })),
    scope: Type.Optional(Type.Enum([...SCOPES], { type: 'string' })),
    ips: Type.Optional(Type.Array(Type.String(), { description: 'of nodes' })),
    count: Count,
    percentage: Count,
    timeout: Type.Optional(Type.Integer({ minimum: 0, description: 'nanoseconds; 0 for the default' })),
    tag: Text,
    application: Text,
    filtered_query_params: Text,
    object_storage: Anything,
    hdfs: Anything,
  }),
})
export type V2JobRequest = Static<typeof V2JobRequest>
type V2Args = V2JobRequest['args']

/** A body of `POST /oapi/v1/jobs` without the nulls that Go's clients send. */
export function plainV2Body(body: unknown): unknown {
  return withField(withoutNulls(body), 'args', withoutNulls)
}

/** What a job of Dragonfly v2 is here. @throws DamselflyError REQUEST_INVALID for what cannot be done here */
export function preheatOfV2({ args }: V2JobRequest): PreheatRequest {
  const { headers = {}, username = '', password = '', platform = '', timeout = 0 } = args
  const scope = scopeOf(args)
  return checkedPreheat({
    ...artifactOf(args),
    ...(scope !== undefined && { scope }),
    ...(platform !== '' && { platforms: [platform] }),
    ...(timeout !== 0 && { deadlineSeconds: Math.ceil(timeout / NS_PER_SECOND) }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(username !== '' && { credentials: { username, password } }),
  })
}

function artifactOf(args: V2Args): Pick<PreheatRequest, 'image' | 'files' | 'identity'> {
  const { type, url = '', urls = [], tag, application, filtered_query_params, object_storage = {}, hdfs = {} } = args
  if (type === 'image') {
    if (urls.length > 0) throw new DamselflyError('REQUEST_INVALID', '"urls" are of files; an image has one "url"')
    return { image: imageOfManifestUrl(url) }
  }
  if (Object.keys(object_storage).length + Object.keys(hdfs).length > 0) {
    const instead = 'give presigned http URLs, or headers'
    throw new DamselflyError('REQUEST_INVALID', `"object_storage" and "hdfs" are not supported; ${instead}`)
  }
  const files = [...new Set([url, ...urls].filter(given => given !== ''))]
  if (files.length === 0) throw new DamselflyError('REQUEST_INVALID', 'there is neither a "url" nor "urls"')
  return { files, ...fileIdentity({ tag, application, filter: filtered_query_params }) }
}

/** Of several ways to say which nodes, Dragonfly takes the first: addresses, a number, a part of them. */
function scopeOf({ scope = '', ips = [], count = 0, percentage = 0 }: V2Args): string | undefined {
  const chosen = [
    ips.length > 0 && `nodes:${ips.join(',')}`,
    count > 0 && `count:${count}`,
    percentage > 0 && `percent:${percentage}`,
  ].find(way => way !== false)
  if (chosen === undefined) return OUR_SCOPES[scope]
  if (ANY_NODES.includes(scope)) return chosen
  throw new DamselflyError('REQUEST_INVALID', '"ips", "count" and "percentage" choose nodes, for the scope all_peers')
}

/** All that Harbor knows: it takes any other word for a failure. Nodes that link later are no matter for who waits for the job. */
const STATES = {
  pending: 'PENDING',
  running: 'PENDING',
  standing: 'SUCCESS',
  succeeded: 'SUCCESS',
  failed: 'FAILURE',
  cancelled: 'FAILURE',
} as const satisfies Record<PreheatState, string>

/** A job as Dragonfly v2 shows it. */
export const V2Job = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  created_at: Type.String({ format: 'date-time' }),
  updated_at: Type.String({ format: 'date-time', description: 'when it ended, or else began' }),
  state: Type.Enum([...new Set(Object.values(STATES))], { type: 'string' }),
  result: Type.Union([V2Result, Type.Null()], { description: 'null until it is over' }),
})
export type V2Job = Static<typeof V2Job>

/** The answer to whoever has started a job: it is looked at later. */
export function startedV2Job({ id, createdAt }: PreheatSummary): V2Job {
  const at = secondsOf(createdAt)
  return { id, created_at: at, updated_at: at, state: 'PENDING', result: null }
}

/** A job of ours as Dragonfly v2 shows it. */
export function v2JobOf(job: PreheatJob): V2Job {
  const state = STATES[job.state]
  return {
    id: job.id,
    created_at: secondsOf(job.createdAt),
    updated_at: secondsOf(job.endedAt ?? job.createdAt),
    state,
    result: state === 'PENDING' ? null : v2ResultOf(job, state === 'FAILURE'),
  }
}

/** RFC 3339, in seconds as Dragonfly has it. */
function secondsOf(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}
