import { connectionReason } from '../../../lib/origin/connection-error.ts'
import { CertificateRefusal } from '../../../lib/tls/cluster-dispatcher.ts'

/** Why a program could not be asked. */
export interface ConnectionFailure {
  /** `certificate` and `clock`: it answers, but its certificate is not taken, ever or at this time. */
  readonly kind: 'refused' | 'timeout' | 'unknown-host' | 'certificate' | 'clock' | 'other'
  /** In words. */
  readonly reason: string
}

const KINDS: Readonly<Record<string, ConnectionFailure['kind']>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'unknown-host',
  EAI_AGAIN: 'unknown-host',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'timeout',
  ENETUNREACH: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
}

/** What an error of a connection means. */
export function connectionFailure(error: unknown): ConnectionFailure {
  if (error instanceof Error && error.name === 'TimeoutError') return { kind: 'timeout', reason: 'no answer in time' }
  if (error instanceof CertificateRefusal) {
    return { kind: error.kind === 'clock' ? 'clock' : 'certificate', reason: error.message }
  }
  const last = error instanceof AggregateError ? error.errors.at(-1) : error
  const code = last instanceof Error && 'code' in last ? String(last.code) : ''
  return { kind: KINDS[code] ?? 'other', reason: connectionReason(error) }
}
