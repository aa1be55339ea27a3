import { setTimeout as wait } from 'node:timers/promises'
import { request } from 'undici'
import type { ApiAddress } from '../../../../lib/http/client/api-endpoint.ts'
import { createDigester, type Digest, digestAlgorithm } from '../../../../protocol/digest.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { chooseManifest, type ImageManifest, parseManifest } from '../../../../protocol/image-manifest.ts'
import type { ImageReference } from '../../../../protocol/image-reference.ts'
import type { Pull } from '../../../../protocol/messages/daemon-api.ts'
import { createDaemonClient, type DaemonClient } from '../../../client/daemon-client.ts'
import { bounded } from '../bounded.ts'
import type { TestPullFacts } from '../checks/test-pull.ts'
import { connectionFailure } from '../connection-failure.ts'

/** How long a test pull may take, in milliseconds. */
const TEST_PULL_MS = 60_000
const POLL_MS = 50

/** Pulls one blob of an image through the dfdaemon at a URL, the smallest that its node does not have. @param api where it tells about it */
export async function probeTestPull(url: string, api: ApiAddress, image: ImageReference): Promise<TestPullFacts> {
  const client = createDaemonClient(api)
  const pulled = await bounded(signal => pullOne(url, client, image, signal), { limitMs: TEST_PULL_MS })
  if ('value' in pulled) return pulled.value
  const { error } = pulled
  const problem = error instanceof DamselflyError ? error.message : connectionFailure(error).reason
  return { state: 'failed', problem }
}

/** Asks the mirror for nothing but a sign of life (OCI distribution spec, end-1). */
export async function probeMirror(url: string): Promise<TestPullFacts> {
  const asked = await bounded(async signal => {
    const { statusCode, body } = await request(`${url}/v2/`, { signal })
    await body.dump()
    return statusCode
  })
  if ('error' in asked) return { state: 'failed', problem: `${url}/v2/: ${connectionFailure(asked.error).reason}` }
  if (asked.value !== 200) return { state: 'failed', problem: `${url}/v2/ answers with status ${asked.value}` }
  return { state: 'not-made' }
}

async function pullOne(
  url: string,
  client: DaemonClient,
  image: ImageReference,
  signal: AbortSignal,
): Promise<TestPullFacts> {
  const { registry, repository } = image
  const manifest = await manifestOf(client, image, signal)
  const stored = new Set<string>((await client.tasks({ signal })).map(({ id }) => id))
  const blobs = [manifest.config, ...manifest.layers].toSorted((one, other) => one.size - other.size)
  const blob = blobs.find(({ digest }) => !stored.has(digest)) ?? blobs[0]
  if (blob === undefined) throw new DamselflyError('MANIFEST_INVALID', 'it names no blob')
  const startedAt = performance.now()
  const pullId = await download(`${url}/v2/${registry}/${repository}/blobs/${blob.digest}`, blob.digest, signal)
  const durationMs = performance.now() - startedAt
  const pull = await endedPull(client, { registry, repository }, pullId, signal)
  return { state: 'made', digest: blob.digest, sizeBytes: blob.size, durationMs, account: pull?.account }
}

async function manifestOf(client: DaemonClient, image: ImageReference, signal: AbortSignal): Promise<ImageManifest> {
  const document = parseManifest(await client.manifest(image, { signal }))
  if (!('manifests' in document)) return document
  const { digest } = chooseManifest(document)
  const chosen = parseManifest(await client.manifest({ ...image, reference: digest }, { signal }))
  if ('manifests' in chosen) throw new DamselflyError('MANIFEST_INVALID', 'an index that names an index')
  return chosen
}

/** Reads a blob to its end. @returns the number of the pull, by its header */
async function download(url: string, digest: Digest, signal: AbortSignal): Promise<number | undefined> {
  const { statusCode, headers, body } = await request(url, { signal })
  if (statusCode !== 200) {
    await body.dump()
    throw new DamselflyError('ORIGIN_FAILED', `the dfdaemon answered with status ${statusCode} for ${digest}`)
  }
  const digester = createDigester(digestAlgorithm(digest))
  for await (const chunk of body as AsyncIterable<Uint8Array>) digester.update(chunk)
  const actual = digester.digest()
  if (actual !== digest) throw new DamselflyError('CONTENT_CORRUPT', `${digest} hashes to ${actual}`)
  const [, id] = /(?:^|[ ,])id=(\d+)/.exec(String(headers['damselfly-pull'])) ?? []
  return id === undefined ? undefined : Number(id)
}

/** The record of a pull. It ends a moment after its client has the last byte. */
async function endedPull(
  client: DaemonClient,
  of: Pick<ImageReference, 'registry' | 'repository'>,
  id: number | undefined,
  signal: AbortSignal,
): Promise<Pull | undefined> {
  for (;;) {
    const pull = (await client.pulls(of, { signal })).find(candidate => candidate.id === id)
    if (pull?.state !== 'running') return pull
    await wait(POLL_MS, undefined, { signal })
  }
}
