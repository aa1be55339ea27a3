import { toDamselflyError } from '../protocol/errors.ts'
import type { NodeTracker } from './progress/tracker.ts'
import { type ImageContent, pullImage } from './pull-client.ts'
import type { Cluster, TrialNode } from './start-cluster.ts'
import type { NodeOutcome } from './summary.ts'

/**
 * Pulls the image of the trial at one node. A pull that fails is an outcome too.
 * @throws the signal's reason
 */
export async function pullAt(
  { repository, reference }: Pick<Cluster, 'repository' | 'reference'>,
  { name, url }: Pick<TrialNode, 'name' | 'url'>,
  tracker: NodeTracker,
  options: { signal: AbortSignal },
): Promise<NodeOutcome> {
  const verified = new Set<string>()
  let image: ImageContent | undefined
  const listener = {
    planned(content: ImageContent) {
      image = content
      tracker.planned(content)
    },
    received: tracker.received,
    verified: (digest: string) => void verified.add(digest),
  }
  let error: NodeOutcome['error']
  try {
    await pullImage({ mirrorUrl: url, repository, reference }, listener, options)
  } catch (thrown) {
    options.signal.throwIfAborted()
    error = toDamselflyError(thrown)
  }
  tracker.ended(error === undefined ? 'verified' : 'failed')
  return { name, elapsedMs: tracker.snapshot().elapsedMs, image, verified, error }
}
