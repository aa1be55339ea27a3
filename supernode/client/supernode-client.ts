import { setTimeout as wait } from 'node:timers/promises'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ApiBusy, createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import {
  ClusterInfo,
  RegistrationAnswer,
  RegistrationPending,
  type RegistrationRequest,
} from '../../protocol/messages/registration.ts'

/** The HTTP side of a supernode, as its peers use it. */
export interface SupernodeClient {
  /**
   * Registers for a task and waits for the origin, as long as the supernode keeps answering. One that has too much to do is asked once
   * more, after as long as it says, but not after more than a second.
   * @throws DamselflyError SUPERNODE_UNREACHABLE when it is down or silent, else the code that the supernode gave
   */
  register(body: RegistrationRequest, options: { signal: AbortSignal }): Promise<RegistrationAnswer>
  /** @throws DamselflyError SUPERNODE_UNREACHABLE */
  cluster(options: { signal: AbortSignal }): Promise<ClusterInfo>
}

/** A supernode that says nothing for this long counts as down: no pull waits longer for it (design §8). */
const DEADLINE_MS = 1_000

const answerForm = Compile(RegistrationAnswer)
const eitherForm = Compile(Type.Union([RegistrationAnswer, RegistrationPending]))
const clusterForm = Compile(ClusterInfo)

/** A client of a supernode's API. */
export function createSupernodeClient(api: ApiAddress): SupernodeClient {
  const client = createApiClient({ api, unreachable: 'SUPERNODE_UNREACHABLE', deadlineMs: DEADLINE_MS })
  return {
    async register(body, { signal }) {
      let isPatient = true
      for (;;) {
        try {
          const answer = await client.ask(eitherForm, { method: 'POST', path: '/peer/registry', json: body, signal })
          if (answerForm.Check(answer)) return answer
        } catch (error) {
          if (!(error instanceof ApiBusy) || !isPatient) throw error
          isPatient = false
          await wait(error.waitMs, undefined, { signal })
        }
      }
    },
    cluster: ({ signal }) => client.ask(clusterForm, { path: '/api/v1/cluster', signal }),
  }
}
