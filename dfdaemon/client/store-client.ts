import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { apiRefusal } from '../../lib/http/api-refusal.ts'
import { type ApiAddress, requestApi } from '../../lib/http/client/api-endpoint.ts'
import { DamselflyError } from '../../protocol/errors.ts'
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

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

const PATH = '/api/v1/store'

/** @param api of the dfdaemon, for example `http://127.0.0.1:65001` */
export function createStoreClient(api: ApiAddress): StoreClient {
  return {
    status: () => ask(api, 'GET', PATH, StoreStatus),
    remove: async task => void (await send(api, 'DELETE', `${PATH}/tasks/${task}`)),
    pin: async (task, pinned) => void (await send(api, pinned ? 'PUT' : 'DELETE', `${PATH}/tasks/${task}/pin`)),
    verify: task => ask(api, 'POST', `${PATH}/tasks/${task}/verify`, StoreDamage),
    gc: () => ask(api, 'POST', `${PATH}/gc`, StoreSweep),
  }
}

async function ask<Schema extends TSchema>(
  api: ApiAddress,
  method: Method,
  path: string,
  schema: Schema,
): Promise<Static<Schema>> {
  const answer = await send(api, method, path)
  if (Value.Check(schema, answer)) return answer
  throw new DamselflyError('DAEMON_UNREACHABLE', 'its answer is not of the expected form')
}

/** @returns what was answered; undefined for nothing */
async function send(api: ApiAddress, method: Method, path: string): Promise<unknown> {
  let status: number
  let answer: unknown
  try {
    // A whole store may be hashed: there is no saying how long that takes.
    const { statusCode, body } = await requestApi(api, path, { method, headersTimeout: 0, bodyTimeout: 0 })
    const text = await body.text()
    status = statusCode
    answer = text === '' ? undefined : JSON.parse(text)
  } catch (error) {
    throw new DamselflyError('DAEMON_UNREACHABLE', (error as Error).message, { cause: error })
  }
  if (status < 300) return answer
  throw apiRefusal(answer) ?? new DamselflyError('DAEMON_UNREACHABLE', `it answered with status ${status}`)
}
