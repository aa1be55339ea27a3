import type { Source } from '../../../lib/origin/origin.ts'
import { isBlockSize, MAX_BLOCK_BYTES, MIN_BLOCK_BYTES } from '../../../protocol/block-size.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { DfgetConfig } from '../../config.ts'
import { parseHeaders } from './headers.ts'

/** The settings that hold for every source of a run. */
export type SourceOptionSettings = Pick<DfgetConfig, 'header'> &
  Partial<Pick<DfgetConfig, 'userAgent' | 'tag' | 'application' | 'filter' | 'disableBackToSource' | 'blockSize'>>

/**
 * Parameters of presigned URLs, by Amazon, Google, Alibaba and their likes: they say who signed a URL and until when it is good, and
 * nothing of its content.
 */
export const PRESIGNED_PARAMETERS: readonly string[] = [
  ...['Algorithm', 'Credential', 'Date', 'Expires', 'Security-Token', 'Signature', 'SignedHeaders'].flatMap(name => [
    `X-Amz-${name}`,
    `X-Goog-${name}`,
  ]),
  ...['AWSAccessKeyId', 'GoogleAccessId', 'OSSAccessKeyId', 'Key-Pair-Id', 'Policy', 'Expires', 'Signature'],
  'security-token',
]

/** The headers that go to every origin. @throws DamselflyError REQUEST_INVALID */
export function commonHeaders({ header, userAgent }: SourceOptionSettings): Record<string, string> {
  return { ...(userAgent === undefined ? {} : { 'user-agent': userAgent }), ...parseHeaders(header) }
}

/** What a run says of every source. @throws DamselflyError REQUEST_INVALID */
export function sourceOptions(config: SourceOptionSettings): Pick<Source, 'identity' | 'swarmOnly' | 'blockSizeBytes'> {
  const { tag, application, filter = [], disableBackToSource = false, blockSize } = config
  if (blockSize !== undefined && !isBlockSize(blockSize)) {
    const bounds = `from ${MIN_BLOCK_BYTES / 1024}KiB to ${MAX_BLOCK_BYTES / 1024 ** 2}MiB`
    throw new DamselflyError('REQUEST_INVALID', `--block-size is a power of two ${bounds}, not ${blockSize}`)
  }
  const names = filter.flatMap(names => names.split('&')).filter(name => name !== '')
  const identity = {
    ...(tag === undefined || tag === '' ? {} : { tag }),
    ...(application === undefined || application === '' ? {} : { application }),
    filter: [...new Set([...PRESIGNED_PARAMETERS, ...names])],
  }
  if (identity.filter.length > 64) throw new DamselflyError('REQUEST_INVALID', 'more than 64 names to --filter')
  return {
    identity,
    ...(disableBackToSource && { swarmOnly: true }),
    ...(blockSize === undefined ? {} : { blockSizeBytes: blockSize }),
  }
}
