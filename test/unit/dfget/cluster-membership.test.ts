import { expect, test } from 'vitest'
import { ClusterMembership } from '../../../dfget/peer/cluster/cluster-membership.ts'
import { ClusterClock } from '../../../lib/cluster-clock.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { waitFor } from '../../helpers/wait.ts'

const HOUR_MS = 3_600_000

test("a node learns the supernode's time with each credential, before it looks at that", async () => {
  const own = createManualClock()
  const clock = new ClusterClock(own)
  const now = own.wallTime() + HOUR_MS
  const supernode = { id: '', addresses: [] }
  const grant = { supernode, peerId: '', clusterKey: '', credential: '', now, expiresAt: now + 60_000 }
  const seen: number[] = []
  const membership = new ClusterMembership({
    client: { renew: async () => grant },
    renewed: async () => void seen.push(clock.wallTime()),
    clock,
    logger: silentLogger(),
  })
  await membership.start()
  own.advance(0)
  await waitFor(() => seen.length > 0, { timeoutMs: 5_000, what: 'the first renewal' })
  expect(seen).toEqual([now])
  await membership.stop()
})
