import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { findSharingWay, type SharingWay } from '../../lib/blocks/share-file.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLogger } from '../../lib/logger.ts'
import type { DfgetConfig } from '../config.ts'
import { startDfget } from '../create-dfget.ts'
import { clearDataDirectory, type DataDirectory, dataDirectories } from '../data-directory.ts'
import type { Peer } from '../peer/peer.ts'
import { createProgressDisplay, createQuietDisplay, type ProgressStream } from '../progress/progress-display.ts'
import { Download, isCorrupt } from './download.ts'
import type { Output } from './output.ts'
import type { DownloadRequest } from './request.ts'
import { resultLine } from './result-line.ts'
import { UnfinishedError } from './unfinished-error.ts'

/** Where a run reads and writes. */
export interface FetchComponents {
  readonly output: Output
  readonly stdout: Writable
  readonly stderr: ProgressStream
}

/**
 * Downloads to an output as a peer of the swarm, then serves others for as long as was asked for.
 * @throws UnfinishedError when verified blocks are left for another try, else what ended the download
 */
export async function fetchTo(
  components: FetchComponents,
  request: DownloadRequest,
  config: DfgetConfig,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const { url } = request.source
  const directories = dataDirectories(config.dataDir, url)
  const dfget = await startDfget(config, directories, createLogger('dfget', config.logLevel))
  const { path: directory, kept } = dfget.dataDirectory
  const state = { complete: false, storedBytes: 0 }
  try {
    const sharing = await sharingWay(components.output, dfget.dataDirectory, config)
    await downloadTo(components, { peer: dfget.peer, sharing }, request, config, signal)
    state.complete = true
    await linger(config.linger * 1000, signal)
  } catch (error) {
    // Wrong content is on its way out of the store, so what is still there is nothing to go on from.
    state.storedBytes = isCorrupt(error) ? 0 : await storedBytesOf(dfget.peer)
    throw state.storedBytes > 0 && kept !== 'never' ? new UnfinishedError(error, { ...state, directory }) : error
  } finally {
    await dfget.stop()
    await clearDataDirectory(dfget.dataDirectory, state)
  }
}

async function downloadTo(
  { output, stdout, stderr }: FetchComponents,
  { peer, sharing }: { readonly peer: Peer; readonly sharing: SharingWay | undefined },
  request: DownloadRequest,
  config: DfgetConfig,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = systemClock.now()
  const download = new Download({ peer, output, sharing }, request)
  const display = config.quiet
    ? createQuietDisplay()
    : createProgressDisplay({ stream: stderr, clock: systemClock }, download)
  try {
    const digest = await download.run({ signal })
    await output.finish()
    const durationMs = systemClock.now() - startedAt
    display.complete(durationMs)
    if (!config.json || output.path === undefined) return
    const { doneBytes: sizeBytes, account } = download
    stdout.write(resultLine({ url: request.source.url, output: output.path, sizeBytes, digest, durationMs, account }))
  } finally {
    display.clear()
  }
}

/**
 * How the output may have its bytes on the disk together with the store. Whoever changes a hard link changes the store too, which must
 * therefore be on its way out, unless the user wants it so.
 */
async function sharingWay(
  { path }: Output,
  directory: DataDirectory,
  { linger, hardLink }: Pick<DfgetConfig, 'linger' | 'hardLink'>,
): Promise<SharingWay | undefined> {
  if (path === undefined) return undefined
  const isLastUse = directory.kept !== 'always' && linger === 0
  return findSharingWay(directory.path, dirname(path), isLastUse || hardLink ? ['reflink', 'hard-link'] : ['reflink'])
}

/** Whoever interrupts this only wants it to end. */
async function linger(durationMs: number, signal: AbortSignal): Promise<void> {
  if (durationMs > 0) await wait(durationMs, undefined, { signal }).catch(() => {})
}

async function storedBytesOf(peer: Peer): Promise<number> {
  const tasks = await peer.tasks().catch(() => [])
  return tasks.reduce((sum, task) => sum + task.storedBytes, 0)
}
