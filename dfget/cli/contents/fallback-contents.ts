import type { Source } from '../../../lib/origin/origin.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { Sources } from '../../create-sources.ts'
import type { TaskContent } from '../../peer/task/task-content.ts'
import type { Contents, OpenContentOptions, ShareContent } from './contents.ts'

/** Content by a dfdaemon and, once that is gone, by a peer of the run's own: a dfdaemon is never the reason that a download fails. */
export class FallbackContents implements Contents {
  readonly #startPeer: () => Promise<Contents>
  #current: Contents
  #switching: Promise<void> | undefined

  constructor(daemon: Contents, startPeer: () => Promise<Contents>) {
    this.#current = daemon
    this.#startPeer = startPeer
  }

  async open(source: Source, options: OpenContentOptions): Promise<TaskContent> {
    try {
      return this.#guarded(await this.#current.open(source, options))
    } catch (error) {
      if (!isDaemonLoss(error)) throw error
      await this.#switch(error)
      return this.#current.open(source, options)
    }
  }

  sharingWith(path: string): Promise<ShareContent | undefined> {
    return this.#current.sharingWith(path)
  }

  delivered(task: TaskId): Promise<void> {
    return this.#current.delivered(task)
  }

  sources(): Promise<Sources> {
    return this.#current.sources()
  }

  end(failure: unknown, options: { signal: AbortSignal }): Promise<void> {
    return this.#current.end(failure, options)
  }

  /** Content whose loss of the dfdaemon has the next content opened without it. */
  #guarded(content: TaskContent): TaskContent {
    const lost = (error: unknown) => this.#switch(error)
    return {
      ...content,
      async *read(range, options) {
        try {
          yield* content.read(range, options)
        } catch (error) {
          if (isDaemonLoss(error)) await lost(error)
          throw error
        }
      },
    }
  }

  /** Several downloads may lose it at once. */
  #switch(reason: unknown): Promise<void> {
    this.#switching ??= (async () => {
      const daemon = this.#current
      this.#current = await this.#startPeer()
      await daemon.end(reason, { signal: new AbortController().signal }).catch(() => {})
    })()
    return this.#switching
  }
}

/** Whether the dfdaemon, and nothing behind it, has failed. */
export function isDaemonLoss(error: unknown): boolean {
  return error instanceof DamselflyError && error.code === 'DAEMON_UNREACHABLE'
}
