import { DamselflyError } from '../../../protocol/errors.ts'
import type { DfgetConfig } from '../../config.ts'
import type { Sources } from '../../create-sources.ts'
import { ClaimedPaths } from '../../sources/claimed-paths.ts'
import type { DownloadRequest } from './request.ts'
import { sourceOptions } from './source-options.ts'
import type { Wanted } from './wanted.ts'

/**
 * All that a run is to download: what is named, then what its listings have, while they are being read.
 * @throws what the listings throw; DamselflyError REQUEST_INVALID when one has no file that is wanted
 */
export async function* allRequests(
  { requests, listings }: Wanted,
  config: DfgetConfig,
  sources: () => Promise<Sources>,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<DownloadRequest> {
  const paths = new ClaimedPaths()
  for (const { suggestedName, source } of requests)
    if (suggestedName !== undefined) paths.claim(suggestedName, source.url)
  yield* requests
  if (listings.length === 0) return
  // Loaded here: it brings parsers and an HTTP client along.
  const { filesOf } = await import('./list-files.ts')
  const common = sourceOptions(config)
  for (const listing of listings) {
    let found = false
    for await (const { source, digests, path } of filesOf(listing, config, await sources(), { signal })) {
      found = true
      if (paths.claim(path, source.url)) {
        yield { source: { ...source, ...common }, digests, suggestedName: path }
      }
    }
    if (!found) throw new DamselflyError('REQUEST_INVALID', `${listing} has no file that is wanted`)
  }
}
