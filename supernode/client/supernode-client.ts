import { setTimeout as wait } from 'node:timers/promises'
import { Compile } from 'typebox/compile'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import {
  ClusterInfo,
  RegistrationAnswer,
  RegistrationPending,
  type RegistrationRequest,
} from '../../protocol/messages/registration.ts'
import { callSupernode, SupernodeBusy, unreachable } from './call-supernode.ts'

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

const answerSchema = Compile(RegistrationAnswer)
const pendingSchema = Compile(RegistrationPending)
const clusterSchema = Compile(ClusterInfo)

/** A client of a supernode's API. */
export function createSupernodeClient(api: ApiAddress): SupernodeClient {
  return {
    async register(body, { signal }) {
      const call = { method: 'POST', path: '/peer/registry', body } as const
      let isPatient = true
      for (;;) {
        let answer: unknown
        try {
          answer = await callSupernode(api, call, { signal })
        } catch (error) {
          if (!(error instanceof SupernodeBusy) || !isPatient) throw error
          isPatient = false
          await wait(error.waitMs, undefined, { signal })
          continue
        }
        if (answerSchema.Check(answer)) return answer
        if (!pendingSchema.Check(answer)) throw unreachable('its answer is not of the expected form')
      }
    },
    async cluster({ signal }) {
      const answer = await callSupernode(api, { method: 'GET', path: '/api/v1/cluster' }, { signal })
      if (clusterSchema.Check(answer)) return answer
      throw unreachable('its answer is not of the expected form')
    },
  }
}
