import pLimit from 'p-limit'
import { Agent, type Dispatcher, request } from 'undici'
import { createDigester, type Digest, digestAlgorithm, digestOf, isDigest } from '../protocol/digest.ts'
import { DamselflyError, ERRORS, type ErrorCode } from '../protocol/errors.ts'
import { chooseManifest, type ImageManifest, MANIFEST_TYPES, parseManifest } from '../protocol/image-manifest.ts'

/** What to pull, and through which mirror. */
export interface PullInit {
  /** `http://host:port` of a dfdaemon. */
  readonly mirrorUrl: string
  readonly repository: string
  /** Tag or digest. */
  readonly reference: string
}

/** A blob of an image. */
export interface ImageBlob {
  readonly digest: Digest
  readonly sizeBytes: number
}

/** The content of an image, known once its manifest is. */
export interface ImageContent {
  readonly manifestDigest: Digest
  /** Each layer once, though a manifest may name one several times. */
  readonly layers: readonly ImageBlob[]
  readonly config: ImageBlob
  /** Bytes of config and layers. */
  readonly imageBytes: number
}

/** Hears how a pull goes on. */
export interface PullListener {
  planned(image: ImageContent): void
  received(bytes: number): void
  /** All bytes of a blob are here and match its digest. */
  verified(digest: Digest): void
}

/** Blobs that a pull reads at the same time, as many as containerd and dockerd do by default. */
const PARALLEL_BLOBS = 3
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024

/**
 * Pulls an image as a container runtime does: manifest, then config and layers, three at a time. Every byte is hashed as it
 * arrives and dropped.
 * @throws DamselflyError CONTENT_CORRUPT for what does not match its digest, MANIFEST_INVALID, MANIFEST_UNKNOWN, or the code
 * that the mirror answered; the signal's reason
 */
export async function pullImage(
  init: PullInit,
  listener: PullListener,
  options: { signal: AbortSignal },
): Promise<ImageContent> {
  const dispatcher = new Agent()
  try {
    const get = { dispatcher, signal: options.signal }
    const image = await resolveImage(init, get)
    listener.planned(image)
    const limit = pLimit({ concurrency: PARALLEL_BLOBS, rejectOnClear: true })
    const pulls = [image.config, ...image.layers].map(blob => limit(() => pullBlob(init, blob, listener, get)))
    try {
      await Promise.all(pulls)
    } finally {
      limit.clearQueue()
    }
    return image
  } catch (error) {
    options.signal.throwIfAborted()
    throw error instanceof DamselflyError ? error : new DamselflyError('DAEMON_UNREACHABLE', (error as Error).message)
  } finally {
    await dispatcher.destroy()
  }
}

interface GetOptions {
  readonly dispatcher: Dispatcher
  readonly signal: AbortSignal
}

async function resolveImage(init: PullInit, get: GetOptions): Promise<ImageContent> {
  let fetched = await fetchManifest(init, init.reference, get)
  if ('manifests' in fetched.document) {
    const { digest } = chooseManifest(fetched.document)
    fetched = await fetchManifest(init, digest, get)
  }
  const { document, digest } = fetched
  if ('manifests' in document) throw new DamselflyError('MANIFEST_INVALID', 'an index that names an index')
  return contentOf(document, digest)
}

async function fetchManifest({ mirrorUrl, repository }: PullInit, reference: string, get: GetOptions) {
  const url = `${mirrorUrl}/v2/${repository}/manifests/${reference}`
  const { statusCode, headers, body } = await request(url, { ...get, headers: { accept: MANIFEST_TYPES.join(', ') } })
  if (statusCode !== 200) throw await refusal(`manifests/${reference}`, statusCode, body)
  const bytes = await readBody(body)
  const announced = isDigest(reference) ? reference : headers['docker-content-digest']
  const digest = digestOf(bytes)
  if (typeof announced === 'string' && isDigest(announced)) {
    const actual = digestOf(bytes, digestAlgorithm(announced))
    if (actual !== announced) throw new DamselflyError('CONTENT_CORRUPT', `manifest ${announced} hashes to ${actual}`)
  }
  return { document: parseManifest(bytes), digest }
}

function contentOf({ config, layers }: ImageManifest, manifestDigest: Digest): ImageContent {
  const blobs = new Map([config, ...layers].map(({ digest, size }) => [digest, { digest, sizeBytes: size }]))
  const imageBytes = [...blobs.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const configBlob = { digest: config.digest, sizeBytes: config.size }
  blobs.delete(config.digest)
  return { manifestDigest, config: configBlob, layers: [...blobs.values()], imageBytes }
}

async function pullBlob(
  { mirrorUrl, repository }: PullInit,
  { digest, sizeBytes }: ImageBlob,
  listener: PullListener,
  get: GetOptions,
): Promise<void> {
  const { statusCode, body } = await request(`${mirrorUrl}/v2/${repository}/blobs/${digest}`, get)
  if (statusCode !== 200) throw await refusal(`blobs/${digest}`, statusCode, body)
  const digester = createDigester(digestAlgorithm(digest))
  let received = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    digester.update(chunk)
    received += chunk.length
    listener.received(chunk.length)
  }
  const actual = digester.digest()
  if (received !== sizeBytes || actual !== digest) {
    throw new DamselflyError(
      'CONTENT_CORRUPT',
      `${digest}: got ${received} of ${sizeBytes} bytes, which hash to ${actual}`,
    )
  }
  listener.verified(digest)
}

async function readBody(body: Dispatcher.ResponseData['body']): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_MANIFEST_BYTES) throw new DamselflyError('MANIFEST_INVALID', `over ${MAX_MANIFEST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** The error that the mirror answered (OCI distribution spec, "Error codes"). */
async function refusal(what: string, status: number, body: Dispatcher.ResponseData['body']): Promise<DamselflyError> {
  const text = Buffer.from(await readBody(body)).toString('utf8')
  const { code, detail } = ociError(text)
  const known = code !== undefined && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'ORIGIN_FAILED'
  return new DamselflyError(
    known,
    `${what} was answered with status ${status}${detail === undefined ? '' : `: ${detail}`}`,
  )
}

function ociError(text: string): { code?: string | undefined; detail?: string | undefined } {
  try {
    const [error] = (JSON.parse(text) as { errors?: { code?: string; detail?: unknown }[] }).errors ?? []
    return { code: error?.code, detail: typeof error?.detail === 'string' ? error.detail : undefined }
  } catch {
    return {}
  }
}
