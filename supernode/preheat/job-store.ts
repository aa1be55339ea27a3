import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import { RecordStore } from '../../lib/record-store.ts'
import { DigestField, TimeField } from '../../protocol/messages/fields.ts'
import { PreheatJob, PreheatRequest } from '../../protocol/messages/preheat-api.ts'

/** What is asked for, without what proves that it may be read. */
export const StoredRequest = Type.Omit(PreheatRequest, ['headers', 'credentials'])
export type StoredRequest = Static<typeof StoredRequest>

/** What is remembered of a job. */
export const JobRecord = Type.Object({
  request: StoredRequest,
  /** Whether it came with credentials, which are not remembered. */
  hadCredentials: Type.Boolean(),
  /** Milliseconds since 1970. */
  createdAt: TimeField,
  /** What its tag means; undefined before that is known, and for files. */
  digest: Type.Optional(DigestField),
  /** How it ended; undefined for one that is to go on after a restart. */
  ended: Type.Optional(PreheatJob),
})
export type JobRecord = Static<typeof JobRecord>

const keyForm = Compile(Type.String({ pattern: '^[1-9][0-9]{0,14}$' }))
const recordForm = Compile(JobRecord)

/** Jobs that are remembered after their end. */
const MAX_ENDED = 1_000

/** Remembers preheat jobs, so that they go on after a restart and can be looked up later. */
export class JobStore implements Startable {
  readonly #records: RecordStore<string, JobRecord>

  /** @param init.dataDir a folder in it holds the records; one process at a time uses it */
  constructor({ logger }: { readonly logger: Logger }, { dataDir }: { readonly dataDir: string }) {
    this.#records = new RecordStore(
      { logger },
      {
        directory: join(dataDir, 'preheats'),
        name: 'preheat jobs',
        key: keyForm,
        value: recordForm,
        damaged: 'dropped',
        advice: 'start those jobs again',
      },
    )
  }

  /** @throws DamselflyError CONFIG_INVALID, STORE_FAILED */
  start(): Promise<void> {
    return this.#records.start()
  }

  stop(): Promise<void> {
    return this.#records.stop()
  }

  get(id: number): JobRecord | undefined {
    return this.#records.get(`${id}`)
  }

  /** All of them, by their ids. */
  all(): Map<number, JobRecord> {
    return new Map([...this.#records.all()].map(([id, record]) => [Number(id), record]))
  }

  /** An id that no job has had that is remembered. */
  nextId(): number {
    return Math.max(0, ...this.all().keys()) + 1
  }

  /** Remembers a job, and forgets the oldest of those that have ended when there are too many. @throws DamselflyError STORE_FAILED */
  async put(id: number, record: JobRecord): Promise<void> {
    await this.#records.put(`${id}`, record)
    if (record.ended === undefined) return
    const ended = [...this.all()].filter(([, { ended }]) => ended !== undefined).map(([id]) => id)
    const tooMany = ended.sort((a, b) => a - b).slice(0, Math.max(0, ended.length - MAX_ENDED))
    for (const old of tooMany) await this.#records.delete(`${old}`)
  }
}
