import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import { PreheatJob, type PreheatRequest, PreheatSummary } from '../../protocol/messages/preheat-api.ts'

interface CallOptions {
  readonly signal: AbortSignal
}

/** Preheat jobs of a supernode. Every call throws DamselflyError: the supernode's refusal, or SUPERNODE_UNREACHABLE. */
export interface PreheatClient {
  /** @returns the job, which may have been under way before */
  start(request: PreheatRequest, options: CallOptions): Promise<PreheatSummary>
  list(options: CallOptions): Promise<PreheatSummary[]>
  show(id: number, options: CallOptions): Promise<PreheatJob>
  cancel(id: number, options: CallOptions): Promise<void>
}

const PATH = '/v1/preheats'
/** A job is written down before it is answered. */
const DEADLINE_MS = 10_000

const summaryForm = Compile(PreheatSummary)
const listForm = Compile(Type.Array(PreheatSummary))
const jobForm = Compile(PreheatJob)

/** A client of a supernode for its preheat jobs. */
export function createPreheatClient(api: ApiAddress): PreheatClient {
  const client = createApiClient({ api, unreachable: 'SUPERNODE_UNREACHABLE', deadlineMs: DEADLINE_MS })
  return {
    start: (request, { signal }) => client.ask(summaryForm, { method: 'POST', path: PATH, json: request, signal }),
    list: ({ signal }) => client.ask(listForm, { path: PATH, signal }),
    show: (id, { signal }) => client.ask(jobForm, { path: `${PATH}/${id}`, signal }),
    async cancel(id, { signal }) {
      await client.send({ method: 'DELETE', path: `${PATH}/${id}`, signal })
    },
  }
}
