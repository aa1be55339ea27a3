import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import type { PreheatJob } from '../../protocol/messages/preheat-api.ts'
import { createPreheatClient } from '../../supernode/client/preheat-client.ts'
import { ownersApi } from '../../test/helpers/join.ts'
import { waitFor } from '../../test/helpers/wait.ts'
import type { Swarm } from '../swarm/programs.ts'
import type { BenchImage } from './bench.ts'

/** A preheat job of a swarm. */
export interface BenchJob {
  readonly id: number
  /** How it stands. */
  show(): Promise<PreheatJob>
  /** Waits for its end. @throws Error with the reason when it does not succeed */
  ended(): Promise<PreheatJob>
}

interface WaitOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Seldom, as the supernode has other things to do. */
const INTERVAL_MS = 100

/** Starts a job by the supernode's socket, which is reached from every network. */
export async function startJob(
  { supernode }: Swarm,
  { repository, reference }: BenchImage,
  scope: 'all' | 'supernode',
  { timeoutMs, signal }: WaitOptions,
): Promise<BenchJob> {
  const client = createPreheatClient(ownersApi('supernode', supernode.dataDirectory))
  const { id } = await client.start({ image: `docker.io/${repository}:${reference}`, scope }, { signal })
  const show = () => client.show(id, { signal })
  return {
    id,
    show,
    async ended() {
      const over = async () => {
        const job = await show()
        return job.endedAt !== null && job
      }
      const what = `the end of the preheat of ${repository}`
      const job = await waitFor(over, { timeoutMs, signal, intervalMs: INTERVAL_MS, what })
      if (job.state === 'succeeded') return job
      throw new Error(
        `the preheat of ${repository} ended as ${job.state}: ${job.reason?.message ?? 'without a reason'}`,
      )
    },
  }
}

/** Waits until nodes have begun to store what a job is about. */
export async function untilUnderWay({ show }: BenchJob, { timeoutMs, signal }: WaitOptions): Promise<void> {
  const isUnderWay = async () => (await show()).nodeList.some(({ storedBytes }) => storedBytes > 0)
  await waitFor(isUnderWay, { timeoutMs, signal, intervalMs: INTERVAL_MS, what: 'the first blocks at nodes' })
}

/** Waits until all nodes of a swarm can be told to fetch. */
export async function untilLinked({ supernode, daemons }: Swarm, { timeoutMs, signal }: WaitOptions): Promise<void> {
  const api = ownersApi('supernode', supernode.dataDirectory)
  const isLinked = async () => {
    const { body } = await requestApi(api, '/api/v1/peers', { signal })
    return ((await body.json()) as unknown[]).length === daemons.length
  }
  await waitFor(isLinked, { timeoutMs, signal, intervalMs: INTERVAL_MS, what: 'the nodes to link' })
}
