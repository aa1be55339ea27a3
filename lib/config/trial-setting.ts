import { Type } from 'typebox'
import { checkLoopbackOnly, type ProgramAddresses } from './loopback-only.ts'

/** The one way to run without tokens and TLS. */
export const TrialSetting = Type.Boolean({
  default: false,
  description:
    'for trying it out on one machine: no tokens and no TLS, whoever reaches the API is its operator, content may come from the loopback and private networks, and all addresses must be of the loopback',
})

const WHY_TRIAL = 'a trial has no protection; leave out "trial" to listen elsewhere'

/** Refuses a trial that others could reach. @throws DamselflyError CONFIG_INVALID that names the setting */
export function checkTrial(trial: boolean, addresses: ProgramAddresses): void {
  if (trial) checkLoopbackOnly(addresses, WHY_TRIAL)
}
