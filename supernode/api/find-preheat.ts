import { DamselflyError } from '../../protocol/errors.ts'
import type { PreheatJob } from '../../protocol/messages/preheat-api.ts'
import type { Preheats } from '../preheat/preheats.ts'

const UNKNOWN = 'GET /v1/preheats lists those that are remembered'

/** The number of a job, as a path has it. @throws DamselflyError PREHEAT_UNKNOWN for what is none */
export function preheatIdOf(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new DamselflyError('PREHEAT_UNKNOWN', UNKNOWN)
}

/** The job that a path names. @throws DamselflyError PREHEAT_UNKNOWN */
export function findPreheat(preheats: Pick<Preheats, 'get'>, text: string): PreheatJob {
  const job = preheats.get(preheatIdOf(text))
  if (job === undefined) throw new DamselflyError('PREHEAT_UNKNOWN', UNKNOWN)
  return job
}
