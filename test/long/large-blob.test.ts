import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { startCluster, type TestProcess } from '../helpers/cluster.ts'
import { peakMemoryBytes } from '../helpers/peak-memory.ts'
import { pullBlob } from '../helpers/pull.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const BLOB_GIB = Number(process.env.DAMSELFLY_LARGE_BLOB_GIB ?? 20)
const LIMIT_BYTES = 250 * MIB
/** Two copies are stored, and something must be left to the machine. */
const DISK_BYTES = (2 * BLOB_GIB + 5) * GIB
const TIMEOUT_MS = 3_600_000

test(
  `a blob of ${BLOB_GIB} GiB passes in ${LIMIT_BYTES / MIB} MiB of resident memory`,
  async () => {
    const { bavail, bsize } = await statfs(tmpdir())
    if (bavail * bsize < DISK_BYTES) {
      throw new Error(`needs ${DISK_BYTES / GIB} GiB in ${tmpdir()}; DAMSELFLY_LARGE_BLOB_GIB makes the blob smaller`)
    }
    await using cluster = await startCluster()
    const { layers } = await cluster.registry.generateImage({ layers: 1, sizeBytes: BLOB_GIB * GIB })
    const [layer] = layers
    if (layer === undefined) throw new Error('the image has no layer')
    const supernode = await cluster.supernodeProcess()
    const dfdaemon = await cluster.dfdaemonProcess({ supernode: supernode.url })

    const startedAt = performance.now()
    const pulled = await pullBlob(dfdaemon, { repository: 'library/demo', digest: layer.digest })
    const seconds = Math.round((performance.now() - startedAt) / 1000)

    expect(pulled).toMatchObject({ status: 200, digest: layer.digest, sizeBytes: layer.sizeBytes })
    const peaks = { dfdaemon: await peakMib(dfdaemon), supernode: await peakMib(supernode) }
    process.stdout.write(
      `peak resident memory over ${BLOB_GIB} GiB in ${seconds} s, in MiB: ${JSON.stringify(peaks)}\n`,
    )
    expect(peaks.dfdaemon).toBeLessThan(LIMIT_BYTES / MIB)
    expect(peaks.supernode).toBeLessThan(LIMIT_BYTES / MIB)
  },
  TIMEOUT_MS,
)

async function peakMib({ process: { pid } }: TestProcess): Promise<number> {
  return Math.round((await peakMemoryBytes(pid)) / MIB)
}
