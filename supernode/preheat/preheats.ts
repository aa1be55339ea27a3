import type { PreheatJob, PreheatRequest, PreheatSummary } from '../../protocol/messages/preheat-api.ts'

/** What came of asking for a job. */
export interface StartedPreheat {
  readonly job: PreheatSummary
  /** False when the same was under way already, which is then the job. */
  readonly isNew: boolean
}

/** How a job is started. */
export interface StartOptions {
  /** It is an event, which may come more than once: one that was answered by a job a short while ago starts no other. */
  readonly isEvent?: boolean
}

/** The preheat jobs of a supernode. Every API that starts one does it here. */
export interface Preheats {
  /**
   * Starts a job, unless one for the same artifact, scope and platforms is under way. Returns as soon as the job is written down; what is wrong
   * with its origin is said in the job.
   * @throws DamselflyError REQUEST_INVALID for a scope or name that is none; TOOMANYREQUESTS with too many jobs under way; STORE_FAILED
   */
  start(request: PreheatRequest, options?: StartOptions): Promise<StartedPreheat>
  /** @returns undefined for a job that is not known (any more) */
  get(id: number): PreheatJob | undefined
  /** All that are remembered, the newest first. */
  list(): PreheatSummary[]
  /** Ends a job; what nodes have of it stays. @returns false for one that is not known or over. @throws DamselflyError STORE_FAILED */
  cancel(id: number): Promise<boolean>
  /** The job as it is now and after each change, at most a few times a second; ends with the job. */
  watch(id: number, options: { signal: AbortSignal }): AsyncIterable<PreheatJob>
}
