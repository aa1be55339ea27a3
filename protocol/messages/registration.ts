import { type Static, Type } from 'typebox'
import { SMALL_CONTENT_BYTES } from '../small-content.ts'
import { BlockSizeField, DigestField, PeerAddressField, PeerIdField, SizeField, TaskIdField } from './fields.ts'

/** Longest registration body, in bytes. */
export const MAX_REGISTRATION_BYTES = 64 * 1024

/** An account of the registering node itself: a user with a password or access key, or an OAuth2 refresh token. */
export const OriginCredentials = Type.Union([
  Type.Object(
    { username: Type.String({ maxLength: 256 }), password: Type.String({ maxLength: 16_384 }) },
    { additionalProperties: false },
  ),
  Type.Object({ identityToken: Type.String({ minLength: 1, maxLength: 16_384 }) }, { additionalProperties: false }),
])
export type OriginCredentials = Static<typeof OriginCredentials>

/** The caller's say in which task a URL is, see protocol/task.ts. */
export const SourceIdentityField = Type.Object(
  {
    tag: Type.Optional(Type.String({ maxLength: 256 })),
    application: Type.Optional(Type.String({ maxLength: 256 })),
    filter: Type.Optional(Type.Array(Type.String({ maxLength: 256 }), { maxItems: 64 })),
  },
  { additionalProperties: false },
)

/** Content that a requester wants, and what it shows for it. */
export const RegisteredSource = Type.Object(
  {
    /** Of an origin, or `swarm:<digest>` for imported content, which needs the same `digest` beside it. */
    url: Type.String({ minLength: 1, maxLength: 8192, pattern: '^(https?://|swarm:)' }),
    /** The requester's own headers for this origin: used for this task's origin requests only, never stored or logged. */
    headers: Type.Record(Type.String({ pattern: '^[\\s\\S]{1,256}$' }), Type.String({ maxLength: 32_768 }), {
      additionalProperties: false,
    }),
    /** For the origin's challenge when the requester sent no `Authorization`: likewise never stored or logged. */
    credentials: Type.Optional(OriginCredentials),
    digest: Type.Optional(DigestField),
    identity: Type.Optional(SourceIdentityField),
    /** For a task that nobody has cut into blocks yet. */
    blockSizeBytes: Type.Optional(BlockSizeField),
  },
  { additionalProperties: false },
)
export type RegisteredSource = Static<typeof RegisteredSource>

/**
 * Content that a peer is told to fetch. There are neither headers nor credentials in it, and the URL names no user: what opens the origin
 * is never given to a peer.
 */
export const FetchedSource = Type.Object(
  {
    url: Type.String({ minLength: 1, maxLength: 8192, pattern: '^(https?://[^@/?#\\\\]+([/?#]|$)|swarm:)' }),
    digest: RegisteredSource.properties.digest,
    identity: RegisteredSource.properties.identity,
  },
  { additionalProperties: false },
)
export type FetchedSource = Static<typeof FetchedSource>

/** `POST /peer/registry`: a peer wants the content of a URL. */
export const RegistrationRequest = Type.Object(
  {
    peerId: PeerIdField,
    source: RegisteredSource,
    /** Whether small content may come with the answer, see protocol/small-content.ts. */
    inline: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type RegistrationRequest = Static<typeof RegistrationRequest>

/** `GET /api/v1/cluster`: whom a peer talks to, and what time it is there: tickets and credentials count by that clock. */
export const ClusterInfo = Type.Object(
  {
    supernode: PeerAddressField,
    /** The cluster's Ed25519 public key, base64url, which signs tickets and memberships. */
    clusterKey: Type.String({ maxLength: 64 }),
    /** Milliseconds since 1970. */
    now: Type.Integer(),
  },
  { additionalProperties: false },
)
export type ClusterInfo = Static<typeof ClusterInfo>

/** The task is known and this peer may have it. */
export const RegistrationAnswer = Type.Object(
  {
    state: Type.Literal('admitted'),
    taskId: TaskIdField,
    blockSizeBytes: BlockSizeField,
    sizeBytes: Type.Optional(SizeField),
    contentType: Type.Optional(Type.String({ maxLength: 256 })),
    /** What the origin says of this content, ETag or Last-Modified: whoever reads the origin, too, must find the same. */
    validator: Type.Optional(Type.String({ maxLength: 16_384 })),
    /** All of it, base64, where it is small and was asked for so. There is no swarm of it then. */
    content: Type.Optional(Type.String({ maxLength: Math.ceil(SMALL_CONTENT_BYTES / 3) * 4 })),
    /** Signed statement that this peer may hold this task; see protocol/ticket.ts. */
    ticket: Type.String({ maxLength: 1024 }),
    ticketExpiresAt: Type.Integer(),
    ...ClusterInfo.properties,
  },
  { additionalProperties: false },
)
export type RegistrationAnswer = Static<typeof RegistrationAnswer>

/** The origin has not answered yet: send the same registration again at once; the supernode holds it open for a while. */
export const RegistrationPending = Type.Object({ state: Type.Literal('pending') }, { additionalProperties: false })
export type RegistrationPending = Static<typeof RegistrationPending>
