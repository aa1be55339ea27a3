import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemClock } from '../../../lib/clock.ts'
import { createLogger } from '../../../lib/logger.ts'
import { isArtifactUrl } from '../../../lib/origin/artifacts/artifact-reference.ts'
import { createCredentialStore } from '../../../lib/origin/credentials/create-credential-store.ts'
import { parseFileUrl } from '../../../lib/origin/file-url.ts'
import { listS3 } from '../../../lib/origin/s3/list-s3.ts'
import { formatS3Url, parseS3Prefix } from '../../../lib/origin/s3/s3-url.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { DfgetConfig } from '../../config.ts'
import type { Sources } from '../../create-sources.ts'
import type { FoundFile } from '../../sources/found-file.ts'
import { listHttp } from '../../sources/http/list-http.ts'
import { userDockerConfigs } from '../../sources/oci/docker-config-files.ts'
import { listOci } from '../../sources/oci/list-oci.ts'
import { createPathFilter } from '../../sources/path-filter.ts'
import { isSafePath } from '../../sources/safe-path.ts'
import { downloadRequest } from './request.ts'
import { commonHeaders } from './source-options.ts'

/**
 * The files that an argument stands for: an artifact, a prefix of a bucket, a directory on this machine or on a web server.
 * @throws what the listings throw; DamselflyError OUTPUT_FAILED for a key that is no path
 */
export function filesOf(
  listing: string,
  config: DfgetConfig,
  sources: Sources,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<FoundFile> {
  const { include, exclude } = config
  if (isArtifactUrl(listing)) return artifactFiles(listing, config, sources, { signal })
  if (/^s3:/i.test(listing)) return objects(listing, config, sources, { signal })
  if (/^file:/i.test(listing)) return localFiles(listing, config)
  const { source } = downloadRequest(listing, config)
  return listHttp(sources, source, { signal, include, exclude })
}

async function* artifactFiles(
  listing: string,
  config: DfgetConfig,
  { fetcher }: Sources,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<FoundFile> {
  const { include, exclude, platform, plainHttp } = config
  const logger = createLogger('dfget', config.logLevel)
  const dockerConfigs = userDockerConfigs(process.env)
  const credentials = createCredentialStore({ logger, clock: systemClock }, { dockerConfigs })
  await credentials.start()
  try {
    const headers = commonHeaders(config)
    yield* listOci({ fetcher, credentials }, listing, { signal, headers, platform, plainHttp, include, exclude })
  } finally {
    await credentials.stop()
  }
}

async function* objects(
  listing: string,
  config: DfgetConfig,
  { s3 }: Sources,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<FoundFile> {
  const filter = createPathFilter(config)
  const { bucket, key: prefix } = parseS3Prefix(listing)
  const headers = commonHeaders(config)
  for await (const { key, sizeBytes } of listS3(s3.parts, s3.init, listing, { signal })) {
    // Some tools make an object for a folder.
    if (key.endsWith('/')) continue
    const path = key.slice(prefix.length).replace(/^\//, '')
    if (!filter.accepts(path)) continue
    if (!isSafePath(path)) {
      throw new DamselflyError('OUTPUT_FAILED', `the key "${key}" is no path of a file; leave it out with --exclude`)
    }
    yield { source: { url: formatS3Url({ bucket, key }), headers }, digests: [], path, sizeBytes }
  }
}

async function* localFiles(listing: string, config: DfgetConfig): AsyncGenerator<FoundFile> {
  const filter = createPathFilter(config)
  const root = parseFileUrl(listing)
  let entries: Awaited<ReturnType<typeof readEntries>>
  try {
    entries = await readEntries(root)
  } catch (error) {
    throw new DamselflyError('REQUEST_INVALID', `${root} cannot be listed: ${(error as Error).message}`, {
      cause: error,
    })
  }
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const path = relative(root, file)
    if (filter.accepts(path)) yield { source: { url: pathToFileURL(file).href, headers: {} }, digests: [], path }
  }
}

function readEntries(root: string) {
  return readdir(root, { recursive: true, withFileTypes: true })
}
