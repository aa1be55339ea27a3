import type { IdentitySource } from './identity-source.ts'

/** In a trial whoever reaches the API is its operator; it listens on the loopback only, and has to refuse web pages (`refusesPages`). */
export const trialSource: IdentitySource = {
  identify: ({ ip }) => ({ kind: 'trial', id: ip ?? 'socket', roles: new Set(['operator']) }),
}
