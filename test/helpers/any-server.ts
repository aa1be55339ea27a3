import { Agent } from 'undici'

/** Connections to whatever answers, for tests that are not about certificates. */
export const anyServer = new Agent({ connect: { rejectUnauthorized: false } })
