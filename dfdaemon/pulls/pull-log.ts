import { LRUCache } from 'lru-cache'
import { type Account, emptyAccount } from '../../dfget/peer/task/account.ts'
import type { TaskContent } from '../../dfget/peer/task/task-content.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { toDamselflyError } from '../../protocol/errors.ts'
import type { Pull } from '../../protocol/messages/daemon-api.ts'

/** What is known of a pull from the start. */
export type PullSubject = Pick<Pull, 'registry' | 'repository' | 'client'> & {
  /** The URL at the origin; its query, which may hold a secret, is not kept. */
  readonly url: string
}

/** A pull under way. */
export interface RunningPull {
  readonly id: number
  /** Takes the bytes that the pull reads. */
  readonly account: Account
  /** The content is known. */
  opened(content: Pick<TaskContent, 'taskId' | 'sizeBytes'>): void
  /** All is sent. */
  completed(): void
  /** The client hung up before the end. */
  cutShort(): void
  failed(error: unknown): void
}

/** Which pulls to list; all that are remembered by default. */
export interface PullFilter {
  readonly id?: number | undefined
  readonly task?: string | undefined
  readonly registry?: string | undefined
  readonly repository?: string | undefined
  readonly limit?: number | undefined
}

/** Pulls that are remembered; older ones are forgotten. */
const MAX_PULLS = 2_000

type State = Pull['state']

/** Remembers what was pulled through this dfdaemon, where the bytes came from and why, and writes a log line for each pull. */
export class PullLog {
  readonly #components: { readonly clock: Clock; readonly logger: Logger }
  readonly #pulls = new LRUCache<number, () => Pull>({ max: MAX_PULLS })
  #lastId = 0

  constructor(components: { readonly clock: Clock; readonly logger: Logger }) {
    this.#components = components
  }

  begin({ url, ...subject }: PullSubject): RunningPull {
    const { clock } = this.#components
    const id = ++this.#lastId
    const account = emptyAccount()
    const startedAt = Math.floor(clock.wallTime())
    const start = clock.now()
    let content: Pick<Pull, 'task' | 'sizeBytes'> = { task: null, sizeBytes: null }
    let ended: { readonly state: State; readonly durationMs: number; readonly errorCode: string | null } | undefined
    const read = (): Pull => ({
      id,
      startedAt,
      ...(ended ?? { state: 'running', durationMs: clock.now() - start, errorCode: null }),
      url: withoutQuery(url),
      ...subject,
      ...content,
      account,
    })
    const end = (state: State, errorCode: string | null = null) => {
      if (ended !== undefined) return
      ended = { state, durationMs: clock.now() - start, errorCode }
      this.#report(read())
    }
    this.#pulls.set(id, read)
    return {
      id,
      account,
      opened({ taskId, sizeBytes }) {
        content = { task: taskId ?? null, sizeBytes: sizeBytes ?? null }
      },
      completed: () => end('complete'),
      cutShort: () => end('cut-short'),
      failed: error => end('failed', toDamselflyError(error).code),
    }
  }

  /** The newest first. */
  list({ id, task, registry, repository, limit = MAX_PULLS }: PullFilter = {}): Pull[] {
    if (id !== undefined) {
      const read = this.#pulls.get(id)
      return read === undefined ? [] : [read()]
    }
    const pulls: Pull[] = []
    for (const read of this.#pulls.values()) {
      if (pulls.length >= limit) break
      const pull = read()
      if (task !== undefined && pull.task !== task) continue
      if (registry !== undefined && pull.registry !== registry) continue
      if (repository !== undefined && pull.repository !== repository) continue
      pulls.push(pull)
    }
    return pulls
  }

  #report({ account, ...pull }: Pull): void {
    this.#components.logger.info({ ...pull, ...account }, 'pulled')
  }
}

function withoutQuery(url: string): string {
  return url.split('?', 1)[0] ?? url
}
