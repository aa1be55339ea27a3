import { setTimeout as wait } from 'node:timers/promises'
import { createLogger } from '../../lib/logger.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { DfgetConfig } from '../config.ts'
import { type Dfget, startDfget } from '../create-dfget.ts'
import { clearDataDirectory, dataDirectories, isLastUse } from '../data-directory.ts'
import type { Peer } from '../peer/peer.ts'
import { isCorrupt } from './download.ts'
import { UnfinishedError } from './unfinished-error.ts'

/**
 * Starts a peer for a piece of work, has it serve others for as long as was asked for, and ends it.
 * @param urls what tells this work from other work: the same URLs find the same blocks again
 * @param work is told what to call when a stored content has reached its output
 * @throws UnfinishedError when the work failed and verified blocks are left for another try, else what the work throws
 */
export async function withPeer(
  config: DfgetConfig,
  urls: readonly string[],
  work: (dfget: Dfget, delivered: (task: TaskId) => Promise<void>) => Promise<void>,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const directories = dataDirectories(config.dataDir, urls)
  const dfget = await startDfget(config, directories, createLogger('dfget', config.logLevel))
  const { path: directory, kept } = dfget.dataDirectory
  const state = { complete: false, storedBytes: 0 }
  const done = new Set<TaskId>()
  async function delivered(task: TaskId): Promise<void> {
    done.add(task)
    if (isLastUse(dfget.dataDirectory, config.linger)) await dfget.peer.stored.remove(task)
  }
  try {
    await work(dfget, delivered)
    state.complete = true
    await linger(config.linger * 1000, signal)
  } catch (error) {
    // Wrong content is on its way out of the store, so what is still there is nothing to go on from.
    state.storedBytes = isCorrupt(error) ? 0 : await storedBytesOf(dfget.peer, done)
    throw state.storedBytes > 0 && kept !== 'never'
      ? new UnfinishedError(error, { ...state, directory, several: urls.length > 1 })
      : error
  } finally {
    await dfget.stop()
    await clearDataDirectory(dfget.dataDirectory, state)
  }
}

/** Whoever interrupts this only wants it to end. */
async function linger(durationMs: number, signal: AbortSignal): Promise<void> {
  if (durationMs > 0) await wait(durationMs, undefined, { signal }).catch(() => {})
}

/** Of what has not reached its output. */
async function storedBytesOf(peer: Peer, done: ReadonlySet<TaskId>): Promise<number> {
  const tasks = await peer.tasks().catch(() => [])
  return tasks.reduce((sum, { id, storedBytes }) => sum + (done.has(id) ? 0 : storedBytes), 0)
}
