import { Type } from 'typebox'

/** The one way to run without tokens and TLS. */
export const TrialSetting = Type.Boolean({
  default: false,
  description:
    'for trying it out on one machine: no tokens and no TLS, whoever reaches the API is its operator, content may come from the loopback and private networks, and all addresses must be of the loopback',
})
