import { type Static, Type } from 'typebox'
import { DigestField, LabelsField, PeerIdField, SizeField, TaskIdField, TextField, TimeField } from './fields.ts'
import { OriginCredentials, SourceIdentityField } from './registration.ts'

/** Longest body of a request for a job, whoever's form it has, in bytes. */
export const MAX_PREHEAT_BODY_BYTES = 1024 * 1024

/** Most files of one job. */
export const MAX_PREHEATED_FILES = 1_000
/** Most platforms of one job. */
const MAX_PLATFORMS = 32

const CountField = Type.Integer({ minimum: 0 })

/** `os/architecture[/variant]` (OCI image spec, "Image Index"), or `all`. */
export const PlatformField = Type.String({
  maxLength: 100,
  pattern: '^(all|[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?)$',
  description: 'os/architecture[/variant], as linux/arm64/v8; or all',
})

/** `POST /v1/preheats`: what is to be spread, and to whom. Either `image` or `files`. */
export const PreheatRequest = Type.Object(
  {
    image: Type.Optional(
      Type.String({ maxLength: 1024, description: 'registry/repository:tag, or …@sha256:<64 hex digits>' }),
    ),
    files: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 8192, pattern: '^https?://' }), {
        minItems: 1,
        maxItems: MAX_PREHEATED_FILES,
        description: 'URLs',
      }),
    ),
    identity: Type.Optional(
      Type.Object(SourceIdentityField.properties, {
        additionalProperties: false,
        description: 'what tells files from those of the same URLs for others, as whoever asks for them says it',
      }),
    ),
    scope: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 16_384,
        description:
          'who shall have it: all (the default), supernode, supernodes, count:5, percent:25, labels:zone=a,pool=gpu, or nodes:n1,n2 (names, PeerIds or IP addresses)',
      }),
    ),
    platforms: Type.Optional(
      Type.Array(PlatformField, {
        maxItems: MAX_PLATFORMS,
        description: 'of an index; those of the linked nodes when there are none',
      }),
    ),
    standing: Type.Optional(
      Type.Boolean({ description: 'nodes that link later get it too, until the job is cancelled' }),
    ),
    deadlineSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 7 * 86_400, description: 'after which what is not done has failed' }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String({ pattern: '^[\\s\\S]{1,256}$' }), Type.String({ maxLength: 32_768 }), {
        additionalProperties: false,
        description: 'for the origin, as Authorization; kept in memory, and only as long as the job lasts',
      }),
    ),
    credentials: Type.Optional(OriginCredentials),
  },
  { additionalProperties: false },
)
export type PreheatRequest = Static<typeof PreheatRequest>

/** Why something did not come about, and what to do. */
const Reason = Type.Object({ code: Type.String(), message: Type.String() })

/**
 * How far a job is. `pending`: it is being found out what belongs to it. `standing`: all that is linked has it, and nodes that link later get
 * it. The last three are final.
 */
export const PREHEAT_STATES = ['pending', 'running', 'standing', 'succeeded', 'failed', 'cancelled'] as const
export type PreheatState = (typeof PREHEAT_STATES)[number]

const StateField = Type.Enum([...PREHEAT_STATES], { type: 'string' })

/** A job in a list. */
export const PreheatSummary = Type.Object({
  id: Type.Integer({ minimum: 1 }),
  state: StateField,
  /** What was asked for: the image, or the first file. */
  name: TextField,
  digest: Type.Union([DigestField, Type.Null()], { description: 'what the tag meant; null before that is known' }),
  scope: Type.String(),
  createdAt: TimeField,
  endedAt: Type.Union([TimeField, Type.Null()]),
  deadlineAt: Type.Union([TimeField, Type.Null()], { description: 'null for a standing job' }),
  reason: Type.Union([Reason, Type.Null()]),
  sizeBytes: Type.Union([SizeField, Type.Null()], { description: 'of all its contents; null before that is known' }),
  /** Contents that the supernode has, and all. */
  contents: Type.Object({ done: CountField, total: CountField }),
  /** Nodes that have all of it, have failed, and all. */
  nodes: Type.Object({ done: CountField, failed: CountField, total: CountField }),
})
export type PreheatSummary = Static<typeof PreheatSummary>

/** One content of a job, at the supernode. */
export const PreheatedContent = Type.Object({
  task: Type.Union([TaskIdField, Type.Null()], {
    description: 'null for a file that its origin has not been asked for',
  }),
  name: TextField,
  state: Type.Enum(['waiting', 'reading', 'done', 'failed', 'skipped'], { type: 'string' }),
  sizeBytes: Type.Union([SizeField, Type.Null()]),
  storedBytes: SizeField,
  reason: Type.Union([Reason, Type.Null()]),
})
export type PreheatedContent = Static<typeof PreheatedContent>

/** One node of a job. */
export const PreheatedNode = Type.Object({
  id: Type.Union([PeerIdField, Type.Null()], { description: 'null for a named node that has never linked' }),
  name: TextField,
  labels: LabelsField,
  ips: Type.Array(TextField, { description: 'addresses at which other nodes reach it' }),
  state: Type.Enum(['waiting', 'fetching', 'done', 'failed', 'away'], { type: 'string' }),
  contentsDone: CountField,
  storedBytes: SizeField,
  reason: Type.Union([Reason, Type.Null()]),
})
export type PreheatedNode = Static<typeof PreheatedNode>

/** `GET /v1/preheats/{id}`, and each event of `GET /v1/preheats/{id}/events`. */
export const PreheatJob = Type.Object({
  ...PreheatSummary.properties,
  platforms: Type.Array(Type.String()),
  standing: Type.Boolean(),
  contentList: Type.Array(PreheatedContent),
  nodeList: Type.Array(PreheatedNode),
})
export type PreheatJob = Static<typeof PreheatJob>
