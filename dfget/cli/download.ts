import { createDigester, type Digest, digestAlgorithm } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { Peer } from '../peer/peer.ts'
import { type Account, emptyAccount } from '../peer/task/account.ts'
import type { ProgressSource } from '../progress/progress-display.ts'
import type { Output } from './output.ts'
import type { DownloadRequest } from './request.ts'

export interface DownloadComponents {
  readonly peer: Pick<Peer, 'open'>
  readonly output: Pick<Output, 'name' | 'write'>
}

/** One content on its way from the peer to the output. */
export class Download implements ProgressSource {
  readonly name: string
  doneBytes = 0
  sizeBytes: number | undefined
  account: Readonly<Account> = emptyAccount()
  readonly #components: DownloadComponents
  readonly #request: DownloadRequest

  constructor(components: DownloadComponents, request: DownloadRequest) {
    this.name = components.output.name
    this.#components = components
    this.#request = request
  }

  /**
   * Copies the content to the output and checks it.
   * @returns the first digest that was asked for, else its sha256
   * @throws DamselflyError CONTENT_CORRUPT, what the output throws, what the origin says; the signal's reason
   */
  async run({ signal }: { signal: AbortSignal }): Promise<Digest> {
    const { peer, output } = this.#components
    const content = await peer.open(this.#request.source, { signal })
    this.sizeBytes = content.sizeBytes
    this.account = content.account
    const { digests } = this.#request
    const algorithms = digests.length === 0 ? (['sha256'] as const) : digests.map(digestAlgorithm)
    const digesters = algorithms.map(createDigester)
    try {
      for await (const bytes of content.read({ start: 0 }, { signal })) {
        for (const digester of digesters) digester.update(bytes)
        await output.write(bytes)
        this.doneBytes += bytes.length
      }
    } catch (error) {
      const [expected] = digests
      throw isCorrupt(error) && expected !== undefined ? corrupt(expected, 'something else', error) : error
    }
    if (content.sizeBytes !== undefined && this.doneBytes !== content.sizeBytes) {
      throw new DamselflyError('ORIGIN_FAILED', `${this.doneBytes} of ${content.sizeBytes} bytes came`)
    }
    const found = digesters.map(digester => digester.digest())
    for (const [index, digest] of digests.entries()) {
      if (found[index] !== digest) {
        throw corrupt(digest, found[index])
      }
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
