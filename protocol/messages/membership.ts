import { type Static, Type } from 'typebox'
import { PeerIdField, TimeField, timeField } from './fields.ts'
import { ClusterInfo } from './registration.ts'

/** Most characters of a token, see protocol/token.ts. */
const TOKEN_MAX = 512

/** What a node is called by whoever runs it: its host name. For people only. */
export const NodeNameField = Type.String({ maxLength: 255, pattern: '^[\\x20-\\x7e]*$' })

/** `POST /api/v1/members`: a node asks to be a member. Its PeerId is the one of its client certificate. */
export const JoinRequest = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: TOKEN_MAX, description: 'of the role node' }),
    name: NodeNameField,
    /** A node that will not come back, such as one run of dfget: it is forgotten when its credential ends. */
    temporary: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type JoinRequest = Static<typeof JoinRequest>

/** What a member shows to others, and whom it talks to. */
export const MembershipGrant = Type.Object(
  {
    peerId: PeerIdField,
    /** The signed statement, base64url; see protocol/membership.ts. */
    credential: Type.String({ maxLength: 1024 }),
    /** When it ends, in milliseconds since 1970 by the supernode's clock. */
    expiresAt: Type.Integer(),
    ...ClusterInfo.properties,
  },
  { additionalProperties: false },
)
export type MembershipGrant = Static<typeof MembershipGrant>

/** A member as the API shows it. */
export const ListedMember = Type.Object({
  id: PeerIdField,
  name: NodeNameField,
  joinedAt: TimeField,
  renewedAt: timeField('when it was last given a credential, in milliseconds since 1970'),
  token: Type.String({ description: 'id of the token it joined with' }),
  temporary: Type.Boolean({ description: 'whether it is forgotten when its credential ends' }),
  linked: Type.Boolean({ description: 'whether it has a control stream now' }),
})
export type ListedMember = Static<typeof ListedMember>
