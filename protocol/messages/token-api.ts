import { type Static, Type } from 'typebox'
import { isTokenId } from '../token.ts'
import { TimeField } from './fields.ts'

/** Roles that a token can have: what is at a machine itself needs none. */
export const TOKEN_ROLES = ['node', 'viewer', 'operator'] as const
export type TokenRole = (typeof TOKEN_ROLES)[number]

const RoleField = Type.Enum([...TOKEN_ROLES], { type: 'string' })
const TokenIdField = Type.Refine(Type.String({ maxLength: 32 }), isTokenId)
const MAX_SECONDS = 10 * 365 * 86_400
const MAX_USES = 1_000_000

/** `POST /api/v1/tokens`: which token is wanted. */
export const TokenRequest = Type.Object(
  {
    role: RoleField,
    expiresInSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_SECONDS,
        description: '0 for never; a day for the role node, 90 days for others unless given',
      }),
    ),
    uses: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_USES,
        description: 'how many nodes may join with it, 0 for any number; 1 unless given. For the role node only',
      }),
    ),
    comment: Type.Optional(
      Type.String({ maxLength: 200, pattern: '^[^\\x00-\\x1f\\x7f]*$', description: 'what it is for' }),
    ),
  },
  { additionalProperties: false },
)
export type TokenRequest = Static<typeof TokenRequest>

/** A token as it is shown: not its secret, which nobody has but its holder. */
export const TokenView = Type.Object({
  id: TokenIdField,
  role: RoleField,
  createdAt: TimeField,
  expiresAt: Type.Union([TimeField, Type.Null()], {
    description: 'milliseconds since 1970; null for never',
  }),
  usesLeft: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: 'null for any number' }),
  comment: Type.String({ maxLength: 200 }),
})
export type TokenView = Static<typeof TokenView>

/** The answer to a {@link TokenRequest}. */
export const MadeToken = Type.Object({
  ...TokenView.properties,
  token: Type.String({ maxLength: 256, description: 'is shown this once' }),
  joinUrl: Type.Optional(Type.String({ description: 'of the supernode, for whom a token of the role node is' })),
})
export type MadeToken = Static<typeof MadeToken>

/** `GET /api/v1/tokens`: the newest first. */
export const TokenList = Type.Array(TokenView)
export type TokenList = Static<typeof TokenList>
