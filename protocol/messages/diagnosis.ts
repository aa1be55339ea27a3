import { type Static, Type } from 'typebox'
import { TextField } from './fields.ts'

/** `GET /version` of every program. */
export const ProgramVersion = Type.Object({
  /** The program's name, for example `supernode`. */
  name: TextField,
  version: TextField,
})
export type ProgramVersion = Static<typeof ProgramVersion>

/**
 * Why an address does not lead to a peer: nothing listens there, nothing answered in time, somebody else or something that is
 * no peer answers, or anything else.
 */
export const DialFailureReason = Type.Union([
  Type.Literal('refused'),
  Type.Literal('timeout'),
  Type.Literal('stranger'),
  Type.Literal('failed'),
])
export type DialFailureReason = Static<typeof DialFailureReason>

/** `POST /api/v1/peers/:id/dial-back` of a supernode: whether it can reach a peer at the addresses that the peer gave it. */
export const DialBackAnswer = Type.Object({
  /** Whether the peer has a control stream here. Nobody else is dialled. */
  linked: Type.Boolean(),
  /** The first multiaddr at which the peer itself answered; null where none did. */
  reached: Type.Union([Type.String({ maxLength: 256 }), Type.Null()]),
  /** The multiaddrs that were tried in vain. */
  failures: Type.Array(Type.Object({ address: Type.String({ maxLength: 256 }), reason: DialFailureReason }), {
    maxItems: 16,
  }),
})
export type DialBackAnswer = Static<typeof DialBackAnswer>
