import { defineMetrics } from '../metrics.ts'

/** How the audit log of a program fares. */
export const AUDIT_METRICS = defineMetrics({
  auditRecords: {
    type: 'counter',
    name: 'damselfly_audit_records_total',
    help: 'Records for the audit log, by result: written, failed (the disk did not take it) or dropped (too many refusals at once).',
    labels: ['result'],
  },
})
