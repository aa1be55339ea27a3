import { type Dispatcher, Pool } from 'undici'

/** Connections that one identity may have open. */
const PER_IDENTITY = 4

/**
 * Makes the connections of one identity, which are kept. This is the one place to change where an identity shows a certificate.
 * @param url of the supernode
 */
export type OpenConnections = (url: string, identity: number) => Dispatcher

/** Connections without TLS. */
export const openPlain: OpenConnections = url => new Pool(url, { connections: PER_IDENTITY, keepAliveTimeout: 60_000 })
