import type { FastifyRequest } from 'fastify'
import type { Identity } from '../access/identity.ts'
import { addressKey } from './address-key.ts'

/** For whom a request counts. */
export interface Caller {
  /** Whether it has an identity, or nobody here asks for one. */
  readonly proven: boolean
  /** Names its bucket. */
  readonly key: string
  /** Where it came from, see `addressKey`; empty for a Unix socket. */
  readonly address: string
}

/** What is read of a request. */
export type CallerRequest = Pick<FastifyRequest, 'socket'> & { readonly identity?: Identity | undefined }

/**
 * Who sent a request: the identity that it has proven, else its address.
 * @param identified whether this API asks for identities; where it does not, an address is one
 */
export function callerOf({ socket, identity }: CallerRequest, identified: boolean): Caller {
  const address = addressKey(socket.remoteAddress ?? '')
  if (identity !== undefined && identity.kind !== 'anonymous') {
    return { proven: true, key: `${identity.kind} ${identity.id}`, address }
  }
  return { proven: !identified, key: `address ${address}`, address }
}
