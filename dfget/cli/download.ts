import type { SharingWay } from '../../lib/blocks/share-file.ts'
import { createDigester, type Digest, digestAlgorithm } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { digestOfTask, type TaskId } from '../../protocol/task.ts'
import type { Peer } from '../peer/peer.ts'
import { type Account, emptyAccount } from '../peer/task/account.ts'
import type { ReadOptions, TaskContent } from '../peer/task/task-content.ts'
import type { ProgressSource } from '../progress/progress-display.ts'
import type { Output } from './output.ts'
import type { DownloadRequest } from './request.ts'

export interface DownloadComponents {
  readonly peer: Pick<Peer, 'open'> & { readonly stored: Pick<Peer['stored'], 'share'> }
  readonly output: Pick<Output, 'name' | 'write' | 'replace'>
  /** How the output can have the same bytes on the disk as the peer's store; undefined where they must be copied. */
  readonly sharing: SharingWay | undefined
  /** Whether the peer's store ends with this. */
  readonly oneOff: boolean
}

/** One content on its way from the peer to the output. */
export class Download implements ProgressSource {
  readonly name: string
  sizeBytes: number | undefined
  /** Under what the content is stored, if it is. */
  taskId: TaskId | undefined
  account: Readonly<Account> = emptyAccount()
  readonly #components: DownloadComponents
  readonly #request: DownloadRequest
  /** What the output has; undefined while it is only the store that gets bytes. */
  #outputBytes: number | undefined

  constructor(components: DownloadComponents, request: DownloadRequest) {
    this.name = components.output.name
    this.#components = components
    this.#request = request
  }

  get doneBytes(): number {
    const { diskBytes, peerBytes, supernodeBytes, originBytes } = this.account
    return this.#outputBytes ?? diskBytes + peerBytes + supernodeBytes + originBytes
  }

  /**
   * Brings the content to the output and checks it.
   * @returns the first digest that was asked for, else its sha256
   * @throws DamselflyError CONTENT_CORRUPT, what the output throws, what the origin says; the signal's reason
   */
  async run({ signal }: { signal: AbortSignal }): Promise<Digest> {
    const { peer, oneOff } = this.#components
    const content = await peer.open(this.#request.source, { signal, oneOff })
    this.sizeBytes = content.sizeBytes
    this.account = content.account
    this.taskId = content.taskId
    return (await this.#share(content, { signal })) ?? (await this.#copy(content, { signal }))
  }

  /** @returns undefined when the content does not come together in the store, or the store's file cannot be shared after all */
  async #share(content: TaskContent, options: { signal: AbortSignal }): Promise<Digest | undefined> {
    const { peer, output, sharing } = this.#components
    const { taskId } = content
    if (sharing === undefined || taskId === undefined || !(await content.settled(options))) return undefined
    const digest = await this.#storedDigest(content, taskId, options)
    if (digest === undefined) return undefined
    this.#outputBytes = await output.replace(path => peer.stored.share(taskId, path, sharing))
    return this.#outputBytes === undefined ? undefined : digest
  }

  /**
   * The task is named by its digest where one was asked for, and was checked against it.
   * @returns undefined when not all could be read from the store
   */
  async #storedDigest(
    content: TaskContent,
    taskId: TaskId,
    { signal }: { signal: AbortSignal },
  ): Promise<Digest | undefined> {
    const [first, ...others] = this.#request.digests
    if (first !== undefined && first === digestOfTask(taskId) && others.length === 0) return first
    const account = emptyAccount()
    const digest = await this.#digest(content, async () => {}, { signal, account })
    return account.originReasons.some(({ why }) => why === 'download-failed') ? undefined : digest
  }

  #copy(content: TaskContent, options: { signal: AbortSignal }): Promise<Digest> {
    let outputBytes = 0
    return this.#digest(
      content,
      async bytes => {
        await this.#components.output.write(bytes)
        outputBytes += bytes.length
        this.#outputBytes = outputBytes
      },
      options,
    )
  }

  /** Reads all of the content and checks its length and digests. @param take is given each piece */
  async #digest(
    content: TaskContent,
    take: (bytes: Uint8Array) => Promise<void>,
    options: ReadOptions,
  ): Promise<Digest> {
    const { digests } = this.#request
    const algorithms = digests.length === 0 ? (['sha256'] as const) : digests.map(digestAlgorithm)
    const digesters = algorithms.map(createDigester)
    let readBytes = 0
    try {
      for await (const bytes of content.read({ start: 0 }, options)) {
        for (const digester of digesters) digester.update(bytes)
        await take(bytes)
        readBytes += bytes.length
      }
    } catch (error) {
      const [expected] = digests
      throw isCorrupt(error) && expected !== undefined ? corrupt(expected, 'something else', error) : error
    }
    if (content.sizeBytes !== undefined && readBytes !== content.sizeBytes) {
      throw new DamselflyError('ORIGIN_FAILED', `${readBytes} of ${content.sizeBytes} bytes came`)
    }
    const found = digesters.map(digester => digester.digest())
    for (const [index, digest] of digests.entries()) {
      if (found[index] !== digest) throw corrupt(digest, found[index])
    }
    const [first] = found
    if (first === undefined) throw new DamselflyError('INTERNAL', 'nothing was hashed')
    return first
  }
}

/** Whether content was found to be other than its digest says. */
export function isCorrupt(error: unknown): boolean {
  return error instanceof DamselflyError && error.code === 'CONTENT_CORRUPT'
}

function corrupt(expected: Digest, found: string | undefined, cause?: unknown): DamselflyError {
  return new DamselflyError('CONTENT_CORRUPT', `expected ${expected}, got ${found}`, { cause })
}
