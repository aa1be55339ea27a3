import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from 'undici'
import { digestOf } from '../../../protocol/digest.ts'
import { timeNow } from '../cluster/lines.ts'
import { type ChaosImage, IMAGE_TAG } from '../cluster/registry-words.ts'
import type { Break, PullOrder, PullReport } from './client-words.ts'
import { type AskOptions, askHosts, type Hosts, wordsOf } from './hosts.ts'
import { Ingest, ResetError } from './ingest.ts'
import { Movement } from './movement.ts'

/** As in a `hosts.toml` with a `dial_timeout` for the mirror, and as containerd waits for the head of an answer. */
const DIAL_TIMEOUT_MS = 1_000
const HEAD_TIMEOUT_MS = 30_000
/** `max_concurrent_downloads` of containerd. */
const PARALLEL_BLOBS = 3
/** kubelet tries again; its pause is longer, and grows. */
const ATTEMPTS = 3
const RETRY_PAUSE_MS = 1_000
/** Then nobody would wait any more. containerd waits for five minutes. */
const GIVE_UP_MS = 45_000

/** Pulls an image as containerd and kubelet do together, and keeps nothing. Never throws. */
export async function pullImage(hosts: Hosts, { id, image, inPieces }: PullOrder): Promise<PullReport> {
  const startedAt = timeNow()
  const movement = new Movement(timeNow)
  const [fallbacks, breaks]: [Break[], Break[]] = [[], []]
  const dispatcher = new Agent({
    connect: { timeout: DIAL_TIMEOUT_MS },
    headersTimeout: HEAD_TIMEOUT_MS,
    bodyTimeout: 0,
  })
  const giveUp = new AbortController()
  const watch = setInterval(() => {
    if (movement.quietMs > GIVE_UP_MS) giveUp.abort(new Error(`nothing came for ${GIVE_UP_MS} ms`))
  }, 100)
  const options = { dispatcher, movement, fallbacks, signal: giveUp.signal }
  const ingests = image.blobs.map(blob => new Ingest(image.repository, blob, { inPieces }))
  const wrong = { bytes: 0 }
  let error: string | undefined
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await attemptPull(hosts, { image, ingests, wrong }, options)
        break
      } catch (thrown) {
        if (!(thrown instanceof ResetError)) throw thrown
        breaks.push({ at: timeNow(), what: thrown.message })
        if (attempt === ATTEMPTS) throw thrown
        await delay(RETRY_PAUSE_MS)
      }
    }
  } catch (thrown) {
    error = (thrown as Error).message
  } finally {
    clearInterval(watch)
    await dispatcher.destroy()
  }
  movement.moved()
  return {
    ...{ id, startedAt, endedAt: timeNow(), fallbacks, breaks, wrongBytes: wrong.bytes },
    ...(error === undefined ? {} : { error }),
    bytes: image.blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    longestStallMs: movement.longestMs,
    stalledAt: movement.longestFrom,
  }
}

interface Pulled {
  readonly image: ChaosImage
  readonly ingests: readonly Ingest[]
  readonly wrong: { bytes: number }
}

async function attemptPull(hosts: Hosts, pulled: Pulled, options: AskOptions): Promise<void> {
  await readManifest(hosts, pulled, options)
  const waiting = [...pulled.ingests]
  const work = async () => {
    for (let ingest = waiting.shift(); ingest !== undefined; ingest = waiting.shift()) {
      await ingest.fetch(hosts, PARALLEL_BLOBS, options)
      if (ingest.right) continue
      pulled.wrong.bytes += ingest.blob.sizeBytes
      throw new Error(`${ingest.blob.digest} has wrong bytes`)
    }
  }
  const all = await Promise.allSettled(Array.from({ length: PARALLEL_BLOBS }, work))
  for (const one of all) if (one.status === 'rejected') throw one.reason
}

/** Resolves the tag, then reads the manifest by its digest (contracts §3.1). */
async function readManifest(hosts: Hosts, { image, wrong }: Pulled, options: AskOptions): Promise<void> {
  const path = `/v2/${image.repository}/manifests`
  const { headers, body } = await askHosts(hosts, { method: 'HEAD', path: `${path}/${IMAGE_TAG}` }, options)
  await body.dump()
  const told = headers['docker-content-digest']
  if (told !== image.manifestDigest) throw new Error(`the tag leads to ${told}, not to ${image.manifestDigest}`)
  const answer = await askHosts(hosts, { path: `${path}/${image.manifestDigest}` }, options)
  const bytes = await answer.body.arrayBuffer().then(Buffer.from, (error: unknown) => {
    options.signal.throwIfAborted()
    throw new ResetError(`the manifest ${image.manifestDigest}: ${wordsOf(error)}`)
  })
  options.movement.moved()
  if (digestOf(bytes) === image.manifestDigest) return
  wrong.bytes += bytes.length
  throw new Error(`the manifest ${image.manifestDigest} has wrong bytes`)
}
