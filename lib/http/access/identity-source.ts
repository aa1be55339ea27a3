import type { FastifyRequest } from 'fastify'
import type { Identity } from './identity.ts'

/**
 * One way to prove who sends a request. It looks at the connection and the headers, and takes the same time whatever it finds.
 * Called before a body is read, once for each request.
 */
export interface IdentitySource {
  /** Undefined when the request shows nothing that this source takes for a proof. */
  identify(request: Pick<FastifyRequest, 'headers' | 'socket' | 'ip'>): Identity | undefined
}
