import { dirname } from 'node:path'
import { findSharingWay, type SharingWay } from '../../lib/blocks/share-file.ts'
import { systemClock } from '../../lib/clock.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { DfgetConfig } from '../config.ts'
import type { Dfget } from '../create-dfget.ts'
import { type DataDirectory, isLastUse } from '../data-directory.ts'
import { Download } from './download.ts'
import type { Output } from './output.ts'
import type { DownloadRequest } from './request.ts'
import type { DownloadResult } from './result-line.ts'

export interface FetchComponents {
  readonly dfget: Dfget
  readonly output: Output
  /** Is told of the download before it begins. */
  readonly begun: (download: Download) => void
  /** Is told that a stored content has reached its output. */
  readonly delivered: (task: TaskId) => Promise<void>
}

/** Downloads one content to its output. @throws as `Download.run` and `Output.finish` do */
export async function fetchTo(
  { dfget, output, begun, delivered }: FetchComponents,
  request: DownloadRequest,
  config: DfgetConfig,
  { signal }: { signal: AbortSignal },
): Promise<DownloadResult> {
  const startedAt = systemClock.now()
  const sharing = await sharingWay(output, dfget.dataDirectory, config)
  const download = new Download(
    { peer: dfget.peer, output, sharing, oneOff: isLastUse(dfget.dataDirectory, config.linger) },
    request,
  )
  begun(download)
  const digest = await download.run({ signal })
  await output.finish()
  if (download.taskId !== undefined) await delivered(download.taskId)
  const durationMs = systemClock.now() - startedAt
  const { doneBytes: sizeBytes, account } = download
  return { url: request.source.url, output: output.path ?? '-', sizeBytes, digest, durationMs, account }
}

/**
 * How the output may have its bytes on the disk together with the store. Whoever changes a hard link changes the store too, which must
 * therefore be on its way out, unless the user wants it so.
 */
async function sharingWay(
  { path }: Output,
  directory: DataDirectory,
  config: Pick<DfgetConfig, 'linger' | 'hardLink'>,
): Promise<SharingWay | undefined> {
  if (path === undefined) return undefined
  const mayLink = isLastUse(directory, config.linger) || config.hardLink
  return findSharingWay(directory.path, dirname(path), mayLink ? ['reflink', 'hard-link'] : ['reflink'])
}
