import { type Account, sumOfAccounts } from '../../dfget/peer/task/account.ts'
import type { Pull } from '../../protocol/messages/daemon-api.ts'

/** A blob whose story is asked for. */
export interface ExplainedBlob {
  readonly digest: string
  /** Undefined where no manifest tells. */
  readonly kind: 'layer' | 'config' | undefined
  /** Undefined where neither manifest nor origin has told. */
  readonly sizeBytes: number | undefined
}

/** What became of the requests for one blob. */
export interface BlobStory extends ExplainedBlob {
  readonly requests: Readonly<Record<Pull['state'] | 'all', number>>
  /** From the first request to the end of the last, in milliseconds; undefined when there was none. */
  readonly spanMs: number | undefined
  /** Of all requests together. */
  readonly account: Readonly<Account>
  /** Error codes of failed requests, each once. */
  readonly errorCodes: readonly string[]
}

/** Puts together what the requests for each blob tell. */
export function blobStories(blobs: readonly ExplainedBlob[], pulls: readonly Pull[]): BlobStory[] {
  return blobs.map(blob =>
    storyOf(
      blob,
      pulls.filter(pull => isOf(pull, blob.digest)),
    ),
  )
}

/** The blobs that requests were made for, in the order of their first request. */
export function pulledBlobs(pulls: readonly Pull[]): ExplainedBlob[] {
  const digests = new Set(pulls.toReversed().flatMap(pull => digestOfPull(pull) ?? []))
  return [...digests].map(digest => ({ digest, kind: undefined, sizeBytes: undefined }))
}

/** A request that failed early, or that went past the swarm, has no task; its URL names the blob all the same. */
function digestOfPull({ task, url }: Pull): string | undefined {
  return task ?? /\/blobs\/(?<digest>[a-z0-9]+:[0-9a-f]+)$/.exec(url)?.groups?.digest
}

function isOf(pull: Pull, digest: string): boolean {
  return digestOfPull(pull) === digest
}

function storyOf(blob: ExplainedBlob, pulls: readonly Pull[]): BlobStory {
  const requests = { all: pulls.length, running: 0, complete: 0, 'cut-short': 0, failed: 0 }
  for (const { state } of pulls) requests[state]++
  const from = Math.min(...pulls.map(pull => pull.startedAt))
  const to = Math.max(...pulls.map(pull => pull.startedAt + pull.durationMs))
  return {
    ...blob,
    sizeBytes: blob.sizeBytes ?? pulls.find(pull => pull.sizeBytes !== null)?.sizeBytes ?? undefined,
    requests,
    spanMs: pulls.length === 0 ? undefined : to - from,
    account: sumOfAccounts(pulls.map(pull => pull.account)),
    errorCodes: [...new Set(pulls.flatMap(pull => pull.errorCode ?? []))],
  }
}
