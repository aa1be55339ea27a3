import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { findSharingWay, type SharingWay } from '../../../lib/blocks/share-file.ts'
import { createLogger } from '../../../lib/logger.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { DfgetConfig } from '../../config.ts'
import { type Dfget, startDfget } from '../../create-dfget.ts'
import type { Sources } from '../../create-sources.ts'
import { clearDataDirectory, dataDirectories, isLastUse } from '../../data-directory.ts'
import { isCorrupt } from '../../peer/task/is-corrupt.ts'
import type { TaskContent } from '../../peer/task/task-content.ts'
import { OtherFileError } from '../other-file-error.ts'
import { UnfinishedError } from '../unfinished-error.ts'
import type { Contents, OpenContentOptions, ShareContent } from './contents.ts'

/**
 * Starts a peer for one run.
 * @param urls what tells this work from other work: the same URLs find the same blocks again
 * @throws DamselflyError CONFIG_INVALID, STORE_FAILED
 */
export async function startOwnPeer(config: DfgetConfig, urls: readonly string[]): Promise<OwnPeer> {
  const directories = dataDirectories(config.dataDir, urls)
  const dfget = await startDfget(config, directories, createLogger('dfget', config.logLevel))
  return new OwnPeer(dfget, config, urls.length > 1)
}

/** Content by a peer that lives as long as its run. */
export class OwnPeer implements Contents {
  readonly #dfget: Dfget
  readonly #config: DfgetConfig
  /** Whether there are several files, so that some may be there already. */
  readonly #several: boolean
  readonly #done = new Set<TaskId>()
  /** By the directory of the file, since all files in it are on one file system. */
  readonly #sharing = new Map<string, Promise<SharingWay | undefined>>()

  constructor(dfget: Dfget, config: DfgetConfig, several: boolean) {
    this.#dfget = dfget
    this.#config = config
    this.#several = several
  }

  open(source: Source, { signal, background, range }: OpenContentOptions): Promise<TaskContent> {
    const { peer } = this.#dfget
    // Without a swarm nobody else wants the rest of it.
    if (range !== undefined && this.#config.supernode === '') return peer.openDirect(source, { signal })
    return peer.open(source, { signal, background, oneOff: this.#isLastUse, resumes: true })
  }

  async sharingWith(path: string): Promise<ShareContent | undefined> {
    const directory = dirname(path)
    const finding = this.#sharing.get(directory) ?? this.#findSharingWay(directory)
    this.#sharing.set(directory, finding)
    const way = await finding
    if (way === undefined) return undefined
    return (task, file) => this.#dfget.peer.stored.share(task, file, way)
  }

  async delivered(task: TaskId): Promise<void> {
    this.#done.add(task)
    if (this.#isLastUse) await this.#dfget.peer.stored.remove(task)
  }

  async sources(): Promise<Sources> {
    return this.#dfget.sources
  }

  async end(failure: unknown, { signal }: { signal: AbortSignal }): Promise<void> {
    const { path: directory, kept } = this.#dfget.dataDirectory
    const state = { complete: failure === undefined, storedBytes: 0 }
    try {
      if (failure === undefined) return await linger(this.#config.linger * 1000, signal)
      // Wrong content is on its way out of the store, so what is still there is nothing to go on from.
      const isUseless = isCorrupt(failure) || failure instanceof OtherFileError
      state.storedBytes = isUseless ? 0 : await this.#storedBytes()
      throw state.storedBytes > 0 && kept !== 'never'
        ? new UnfinishedError(failure, {
            storedBytes: state.storedBytes,
            place: `in ${directory}`,
            several: this.#several,
          })
        : failure
    } finally {
      await this.#dfget.stop()
      await clearDataDirectory(this.#dfget.dataDirectory, state)
    }
  }

  get #isLastUse(): boolean {
    return isLastUse(this.#dfget.dataDirectory, this.#config.linger)
  }

  /**
   * Whoever changes a hard link changes the store too, which must therefore be on its way out, unless the user wants it so.
   */
  #findSharingWay(directory: string): Promise<SharingWay | undefined> {
    const mayLink = this.#isLastUse || this.#config.hardLink
    return findSharingWay(this.#dfget.dataDirectory.path, directory, mayLink ? ['reflink', 'hard-link'] : ['reflink'])
  }

  /** Of what has not reached its output. */
  async #storedBytes(): Promise<number> {
    const tasks = await this.#dfget.peer.tasks().catch(() => [])
    return tasks.reduce((sum, { id, storedBytes }) => sum + (this.#done.has(id) ? 0 : storedBytes), 0)
  }
}

/** Whoever interrupts this only wants it to end. */
async function linger(durationMs: number, signal: AbortSignal): Promise<void> {
  if (durationMs > 0) await wait(durationMs, undefined, { signal }).catch(() => {})
}
