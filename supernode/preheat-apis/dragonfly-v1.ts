import { type Static, Type } from 'typebox'
import { KeyField } from '../../protocol/messages/fields.ts'
import type { PreheatRequest, PreheatState, PreheatSummary } from '../../protocol/messages/preheat-api.ts'
import { checkedPreheat, imageOfManifestUrl } from './checked-preheat.ts'
import { fileIdentity } from './dragonfly-files.ts'
import { failureOf } from './dragonfly-v2-result.ts'
import { withoutNulls } from './go-json.ts'

/**
 * `POST /preheats` of Dragonfly v1 (its PreheatCreateRequest), without nulls. Harbor sends `image`, `tag` and `digest` beside it, which the URL
 * says, too.
 */
export const V1PreheatRequest = Type.Object({
  type: Type.Enum(['image', 'file'], { type: 'string' }),
  url: Type.String({ minLength: 3, description: 'of a manifest, or of a file' }),
  filter: Type.Optional(Type.String()),
  identifier: Type.Optional(Type.String()),
  headers: Type.Optional(
    Type.Record(KeyField, Type.String(), { description: 'for the registry; kept in memory, as long as the job lasts' }),
  ),
})
export type V1PreheatRequest = Static<typeof V1PreheatRequest>

/** A body of `POST /preheats` without the nulls that Go's clients send. */
export const plainV1Body: (body: unknown) => unknown = withoutNulls

/** What a preheat of Dragonfly v1 is here. @throws DamselflyError REQUEST_INVALID for what cannot be done here */
export function preheatOfV1({ type, url, filter, identifier, headers = {} }: V1PreheatRequest): PreheatRequest {
  return checkedPreheat({
    ...(type === 'image'
      ? { image: imageOfManifestUrl(url) }
      : { files: [url], ...fileIdentity({ tag: identifier, filter }) }),
    ...(Object.keys(headers).length > 0 && { headers }),
  })
}

/** `FAIL`, and not `FAILED`: Harbor before 2.8 takes that for a job that goes on (contracts §4.2). */
const STATUSES = {
  pending: 'WAITING',
  running: 'RUNNING',
  standing: 'SUCCESS',
  succeeded: 'SUCCESS',
  failed: 'FAIL',
  cancelled: 'FAIL',
} as const satisfies Record<PreheatState, string>

/** The answer to `POST /preheats`. */
export const V1Started = Type.Object({ ID: Type.String() })

/** A job as Dragonfly v1 shows it. */
export const V1Preheat = Type.Object({
  ID: Type.String(),
  status: Type.Enum([...new Set(Object.values(STATUSES))], { type: 'string' }),
  startTime: Type.String({ format: 'date-time' }),
  finishTime: Type.Optional(Type.String({ format: 'date-time' })),
  errorMsg: Type.String({ description: 'empty without an error' }),
})
export type V1Preheat = Static<typeof V1Preheat>

/** A job of ours as Dragonfly v1 shows it. */
export function v1PreheatOf(job: PreheatSummary): V1Preheat {
  const status = STATUSES[job.state]
  return {
    ID: String(job.id),
    status,
    startTime: new Date(job.createdAt).toISOString(),
    ...(job.endedAt !== null && { finishTime: new Date(job.endedAt).toISOString() }),
    errorMsg: status === 'FAIL' ? failureOf(job) : '',
  }
}
