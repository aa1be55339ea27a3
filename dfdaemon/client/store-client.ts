import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { request } from 'undici'
import { apiRefusal } from '../../lib/http/api-refusal.ts'
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

/** @param url of the dfdaemon, for example `http://127.0.0.1:65001` */
export function createStoreClient(url: string): StoreClient {
  const base = `${url.replace(/\/+$/, '')}/api/v1/store`
  return {
    status: () => ask('GET', base, StoreStatus),
    remove: async task => void (await send('DELETE', `${base}/tasks/${task}`)),
    pin: async (task, pinned) => void (await send(pinned ? 'PUT' : 'DELETE', `${base}/tasks/${task}/pin`)),
    verify: task => ask('POST', `${base}/tasks/${task}/verify`, StoreDamage),
    gc: () => ask('POST', `${base}/gc`, StoreSweep),
  }
}

async function ask<Schema extends TSchema>(method: Method, url: string, schema: Schema): Promise<Static<Schema>> {
  const answer = await send(method, url)
  if (Value.Check(schema, answer)) return answer
  throw new DamselflyError('DAEMON_UNREACHABLE', 'its answer is not of the expected form')
}

/** @returns what was answered; undefined for nothing */
async function send(method: Method, url: string): Promise<unknown> {
  let status: number
  let answer: unknown
  try {
    // A whole store may be hashed: there is no saying how long that takes.
    const { statusCode, body } = await request(url, { method, headersTimeout: 0, bodyTimeout: 0 })
    const text = await body.text()
    status = statusCode
    answer = text === '' ? undefined : JSON.parse(text)
  } catch (error) {
    throw new DamselflyError('DAEMON_UNREACHABLE', (error as Error).message, { cause: error })
  }
  if (status < 300) return answer
  throw apiRefusal(answer) ?? new DamselflyError('DAEMON_UNREACHABLE', `it answered with status ${status}`)
}
