import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { readRecording } from '../simulation/replay/recording.ts'
import { recordedFigures, situationOf } from '../simulation/replay/replay.ts'
import { simulate } from '../simulation/simulate.ts'

const BLOB_BYTES = 3 * 1024 * 1024

test('a real swarm is recorded, and simulated again from its event log', async () => {
  await using scratch = await createScratchDirectory()
  const eventLog = join(scratch.path, 'events.jsonl')
  await using cluster = await startCluster()
  const supernode = await cluster.supernode({ eventLog })
  const nodes = await cluster.dfdaemons(3, { supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  await Promise.all(nodes.map(node => pullBlob(node, blob)))
  for (const node of nodes) await node.stop()
  await supernode.stop()

  const recording = readRecording(await readFile(eventLog, 'utf8'))
  expect(recording.tasks).toMatchObject([{ id: blob.digest, blocks: 12, blockSizeBytes: 256 * 1024 }])
  expect(recording.peers.map(({ id }) => id).sort()).toEqual(nodes.map(({ peerId }) => peerId).sort())
  expect(recording.peers.map(({ completeAtMs }) => typeof completeAtMs)).toEqual(['number', 'number', 'number'])
  expect(recordedFigures(recording, 100)).toMatchObject({ recordedPeers: 3, recordedComplete: 3 })

  const links = { nodeMbps: 100, supernodeMbps: 100 }
  const { figures } = simulate('replay', situationOf(recording, links, 1), { watch: false })
  expect(figures).toMatchObject({ peers: 3, blocks: 12, originRatio: 1 })
})
