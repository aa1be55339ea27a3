import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import { toTableError } from '../http/api-server.ts'
import type { MetricsOf } from '../metrics.ts'
import type { AuditLog } from './audit-log.ts'
import type { AuditEvent } from './audit-record.ts'
import type { AUDIT_METRICS } from './metrics.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * `refusals`: a route that changes nothing, or is asked for each pull, though it is no GET. Only refusals are recorded of it. `changes`:
     * a route that is told of much and changes something now and then, which it says by `auditTarget`. Refusals and those are recorded.
     * `public`: a route that changes something and yet needs no role, since it wants a proof of another kind.
     */
    readonly audit?: 'refusals' | 'changes' | 'public'
  }

  interface FastifyRequest {
    /** What was done to, where the path does not say it. No secret. */
    auditTarget: string
    auditCode: string
  }
}

export interface AuditComponents {
  readonly log: Pick<AuditLog, 'record'>
  readonly clock: Pick<Clock, 'now'>
  readonly metrics: Pick<MetricsOf<typeof AUDIT_METRICS>, 'auditRecords'>
}

/** Refusals that are recorded at once, and then in a second: nobody without a role shall fill the log, or the disk. */
const REFUSAL_BURST = 50
const REFUSALS_PER_SECOND = 5

/**
 * Records each request to a route with roles that changes something or was refused (401, 403). A change is recorded before it is answered. Has
 * to be called before routes are added.
 */
export function addAudit(app: FastifyInstance, { log, clock, metrics }: AuditComponents): void {
  const budget = createBudget(clock)
  let unrecorded = 0
  app.decorateRequest('auditTarget', '')
  app.decorateRequest('auditCode', '')
  app.addHook('onError', async (request, _reply, error) => {
    request.auditCode = toTableError(error).code
  })
  app.addHook('onSend', async (request, reply) => {
    const { access = 'public', audit } = request.is404 ? {} : request.routeOptions.config
    if (access === 'public' && audit !== 'public') return
    if (reply.statusCode === 401 || reply.statusCode === 403) {
      if (!budget()) {
        unrecorded++
        metrics.auditRecords.inc({ result: 'dropped' })
        return
      }
      // Whoever is refused need not wait for the disk.
      if (unrecorded > 0) void log.record(omission(unrecorded))
      unrecorded = 0
      void log.record(eventOf(request, reply))
    } else if (isChange(request, audit)) {
      await log.record(eventOf(request, reply))
    }
  })
}

function isChange({ method, auditTarget }: FastifyRequest, audit: FastifyContextConfig['audit']): boolean {
  if (audit === 'refusals' || ['GET', 'HEAD', 'OPTIONS'].includes(method)) return false
  return audit !== 'changes' || auditTarget !== ''
}

function eventOf(request: FastifyRequest, { statusCode }: FastifyReply): AuditEvent {
  const { identity, method, routeOptions, auditTarget, auditCode } = request
  return {
    who: { kind: identity.kind, id: identity.id, address: request.ip ?? 'socket' },
    action: `${method} ${routeOptions.url}`,
    target: auditTarget === '' ? targetOf(request.params) : auditTarget,
    outcome: { status: statusCode, ...(auditCode === '' ? {} : { code: auditCode }) },
  }
}

/** The ids in a path. Whatever does not look like one may be a secret that somebody pasted in the wrong place. */
function targetOf(params: unknown): string {
  const values = Object.values((params ?? {}) as Record<string, string>)
  return values.map(value => (/^(?!.*dmsl_)[\w:.-]{1,140}$/.test(value) ? value : '(malformed)')).join(' ')
}

function omission(count: number): AuditEvent {
  const who = { kind: 'program', id: '', address: '' }
  return { who, action: 'refusals not recorded', target: `${count} requests`, outcome: { status: 0 } }
}

/** Says whether one more may be recorded now. */
function createBudget(clock: Pick<Clock, 'now'>): () => boolean {
  let left = REFUSAL_BURST
  let at = clock.now()
  return () => {
    const now = clock.now()
    left = Math.min(REFUSAL_BURST, left + ((now - at) / 1000) * REFUSALS_PER_SECOND)
    at = now
    if (left < 1) return false
    left--
    return true
  }
}
