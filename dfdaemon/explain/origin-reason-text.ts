import { ERRORS, type ErrorCode } from '../../protocol/errors.ts'
import type { OriginReason } from '../../protocol/messages/daemon-api.ts'

const TEXTS: Readonly<Record<OriginReason['why'], string>> = {
  'no-supernode': 'this dfdaemon has no supernode; set one with --supernode',
  'not-registered': 'the supernode did not take the download up',
  'swarm-silent': 'neither peers nor supernode delivered a block in time',
  'download-failed': 'the download broke off',
  'p2p-off': 'p2p is off for this registry (upstreams in the settings)',
}

/** Why the origin was read, for people. */
export function originReasonText({ why, code }: OriginReason): string {
  if (code === undefined) return TEXTS[why]
  return `${TEXTS[why]}: ${errorText(code)}`
}

/** An error code with its meaning. */
export function errorText(code: string): string {
  return Object.hasOwn(ERRORS, code) ? `${ERRORS[code as ErrorCode].message} (${code})` : code
}
