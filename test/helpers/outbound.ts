import { Value } from 'typebox/value'
import { OutboundConfig } from '../../lib/origin/outbound/config.ts'
import { createOutboundPolicy, type OutboundSurroundings } from '../../lib/origin/outbound/create-policy.ts'
import type { OutboundPolicy } from '../../lib/origin/outbound/policy.ts'

/** The policy that settings make, with their defaults. What surrounds them names nothing, unless a test says so. */
export function policyOf(
  written: Partial<OutboundConfig> = {},
  surroundings: Partial<OutboundSurroundings> = {},
): OutboundPolicy {
  const config = Value.Parse(OutboundConfig, Value.Default(OutboundConfig, { ...written }))
  return createOutboundPolicy(config, { trial: false, upstreams: {}, ...surroundings })
}

/** The policy of a program on trial, which may ask the servers of tests. */
export function trialPolicy(written: Partial<OutboundConfig> = {}): OutboundPolicy {
  return policyOf(written, { trial: true })
}
