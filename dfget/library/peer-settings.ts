import { Value } from 'typebox/value'
import { describeProblem } from '../../lib/config/describe-problem.ts'
import type { LogLevel } from '../../lib/log-levels.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { DfgetConfig } from '../config.ts'
import type { PeerSettings } from '../create-dfget.ts'
import type { PeerOptions } from './peer.ts'

/** What the options say in the words of the configuration. @throws DamselflyError CONFIG_INVALID that names the option */
export function peerSettings(options: PeerOptions): PeerSettings & { readonly logLevel: LogLevel } {
  const { supernode, listen, caFile, insecure, timeoutMs, logLevel } = options
  const given = {
    ...(supernode === undefined ? {} : { supernode }),
    ...(listen === undefined ? {} : { p2p: { listen: [...listen] } }),
    ...(caFile === undefined ? {} : { cacert: caFile }),
    ...(insecure === undefined ? {} : { insecure }),
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs / 1000 }),
    ...(logLevel === undefined ? {} : { logLevel }),
  }
  const settings = Value.Default(DfgetConfig, given)
  const problems = Value.Errors(DfgetConfig, settings)
  if (problems.length > 0) throw new DamselflyError('CONFIG_INVALID', describeProblem(problems, DfgetConfig, new Map()))
  return settings as DfgetConfig
}
