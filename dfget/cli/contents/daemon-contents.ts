import type { ContentClient, GivenContent } from '../../../dfdaemon/client/content-client.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { registeredSource } from '../../../lib/origin/registered-source.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { DfgetConfig } from '../../config.ts'
import type { Sources } from '../../create-sources.ts'
import { type Account, emptyAccount } from '../../peer/task/account.ts'
import { isCorrupt } from '../../peer/task/is-corrupt.ts'
import type { ReadOptions, ReadRange, TaskContent } from '../../peer/task/task-content.ts'
import { OtherFileError } from '../other-file-error.ts'
import { UnfinishedError } from '../unfinished-error.ts'
import type { Contents, OpenContentOptions } from './contents.ts'

/** How often it is asked where the bytes come from. */
const ACCOUNT_MS = 500
/** Whoever gives up does not want to wait. */
const ASK_MS = 500

/** Content that the node's dfdaemon gives. */
export class DaemonContents implements Contents {
  readonly #client: ContentClient
  readonly #config: DfgetConfig
  /** What has begun to come. */
  readonly #undelivered = new Set<TaskId>()
  #sources: Promise<Sources> | undefined

  constructor(client: ContentClient, config: DfgetConfig) {
    this.#client = client
    this.#config = config
  }

  async open(source: Source, { signal, background, range }: OpenContentOptions): Promise<TaskContent> {
    const located = /^s3:/.test(source.url) ? await (await this.sources()).origin.locate(source) : source
    const wish = {
      source: registeredSource(located),
      ...(source.swarmOnly === true && { swarmOnly: true }),
      ...(background && { background }),
    }
    const open = (header: string | undefined) => this.#client.open(wish, { range: header, signal })
    const first = await open(range)
    if (first.taskId !== undefined) this.#undelivered.add(first.taskId)
    return daemonContent(this.#client, open, first)
  }

  async sharingWith(): Promise<undefined> {
    return undefined
  }

  async delivered(task: TaskId): Promise<void> {
    this.#undelivered.delete(task)
  }

  sources(): Promise<Sources> {
    // Loaded here: what a dfdaemon does for a run needs none of it.
    this.#sources ??= import('./own-sources.ts').then(({ startSources }) => startSources(this.#config))
    return this.#sources
  }

  async end(failure: unknown): Promise<void> {
    await (await this.#sources?.catch(() => undefined))?.stop()
    if (failure === undefined) return
    const storedBytes = isCorrupt(failure) || failure instanceof OtherFileError ? 0 : await this.#storedBytes()
    throw storedBytes > 0 ? new UnfinishedError(failure, { storedBytes, place: 'by the dfdaemon' }) : failure
  }

  /** Of what has not reached its output. */
  async #storedBytes(): Promise<number> {
    const signal = AbortSignal.timeout(ASK_MS)
    let sum = 0
    for (const id of this.#undelivered) {
      const task = await this.#client.task(id, { signal }).catch(() => undefined)
      sum += task?.storedBytes ?? 0
    }
    return sum
  }
}

function daemonContent(
  client: ContentClient,
  open: (range: string | undefined) => Promise<GivenContent>,
  first: GivenContent,
): TaskContent {
  const total = emptyAccount()
  let waiting: GivenContent | undefined = first

  /** The body that begins where a read does, if it is here already; else another one. */
  async function bodyAt(start: number): Promise<GivenContent> {
    const given = waiting
    waiting = undefined
    if (given?.start === start) return given
    given?.close()
    return open(start === 0 ? undefined : `bytes=${start}-`)
  }

  async function* read(
    { start, end = Number.POSITIVE_INFINITY }: ReadRange,
    { signal, account = emptyAccount() }: ReadOptions,
  ): AsyncGenerator<Uint8Array> {
    const given = await bodyAt(start)
    const accounts = [total, account]
    const booking = setInterval(() => void book(client, given.pullId, accounts, signal).catch(() => {}), ACCOUNT_MS)
    let position = given.start
    try {
      for await (const chunk of given.body) {
        const piece = chunk.subarray(Math.max(0, start - position), Math.max(0, end - position))
        position += chunk.length
        if (piece.length > 0) yield piece
        if (position >= end) break
      }
    } finally {
      clearInterval(booking)
      given.close()
    }
    await book(client, given.pullId, accounts, signal).catch(() => {})
  }

  return {
    taskId: first.taskId,
    sizeBytes: first.sizeBytes,
    contentType: first.contentType,
    account: total,
    settled: async () => undefined,
    here: () => ({ ...total }),
    read,
  }
}

async function book(client: ContentClient, id: number, accounts: Account[], signal: AbortSignal): Promise<void> {
  const pull = await client.pull(id, { signal })
  if (pull !== undefined) for (const account of accounts) Object.assign(account, pull.account)
}
