import { systemClock } from '../../lib/clock.ts'
import type { Digest } from '../../protocol/digest.ts'
import type { Contents } from './contents/contents.ts'
import { Download, type DownloadOptions } from './download.ts'
import type { Output } from './output/output.ts'
import type { DownloadRequest } from './request/request.ts'

export interface FetchComponents {
  readonly contents: Contents
  readonly output: Output
  /** Is told of the download before it begins. */
  readonly begun: (download: Download) => void
}

/** A finished download. */
export interface Fetched {
  readonly download: Download
  readonly digest: Digest
  readonly durationMs: number
}

/** Downloads one content to its output. @throws as `Download.run` and `Output.finish` do */
export async function fetchTo(
  { contents, output, begun }: FetchComponents,
  request: DownloadRequest,
  options: DownloadOptions,
  { signal }: { signal: AbortSignal },
): Promise<Fetched> {
  const startedAt = systemClock.now()
  const { path } = output
  const sharing = async () => (path === undefined ? undefined : contents.sharingWith(path))
  const download = new Download({ contents, output, sharing }, request, options)
  begun(download)
  const digest = await download.run({ signal })
  await output.finish()
  if (download.taskId !== undefined) await contents.delivered(download.taskId)
  return { download, digest, durationMs: systemClock.now() - startedAt }
}
