import { Compile } from 'typebox/compile'
import { createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import { StoreDamage, StoreStatus, StoreSweep } from '../../protocol/messages/daemon-api.ts'
import type { TaskId } from '../../protocol/task.ts'

/**
 * What a dfdaemon has stored. Every call throws DamselflyError: the dfdaemon's refusal, or DAEMON_UNREACHABLE when there is no
 * usable answer.
 */
export interface StoreClient {
  status(): Promise<StoreStatus>
  remove(task: TaskId): Promise<void>
  pin(task: TaskId, pinned: boolean): Promise<void>
  verify(task: TaskId): Promise<StoreDamage>
  gc(): Promise<StoreSweep>
}

const PATH = '/api/v1/store'

const statusForm = Compile(StoreStatus)
const damageForm = Compile(StoreDamage)
const sweepForm = Compile(StoreSweep)

/** @param api of the dfdaemon, for example `http://127.0.0.1:65001` */
export function createStoreClient(api: ApiAddress): StoreClient {
  // A whole store may be hashed: there is no saying how long that takes.
  const patience = { deadlineMs: Number.POSITIVE_INFINITY, silenceMs: 0 }
  const client = createApiClient({ api, unreachable: 'DAEMON_UNREACHABLE', ...patience })
  return {
    status: () => client.ask(statusForm, { path: PATH }),
    async remove(task) {
      await client.send({ method: 'DELETE', path: `${PATH}/tasks/${task}` })
    },
    async pin(task, pinned) {
      await client.send({ method: pinned ? 'PUT' : 'DELETE', path: `${PATH}/tasks/${task}/pin` })
    },
    verify: task => client.ask(damageForm, { method: 'POST', path: `${PATH}/tasks/${task}/verify` }),
    gc: () => client.ask(sweepForm, { method: 'POST', path: `${PATH}/gc` }),
  }
}
