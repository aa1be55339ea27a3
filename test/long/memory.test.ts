import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCluster, type TestCluster, type TestProcess } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'

const LAYER = '2GiB'
const LAYER_BYTES = 2 * 1024 ** 3
const LIMIT_MIB = 250

describe('resident memory while a 2 GiB layer passes', () => {
  let cluster: TestCluster

  beforeAll(async () => {
    cluster = await startCluster()
  })

  afterAll(() => cluster[Symbol.asyncDispose]())

  test(`dfdaemon and supernode stay under ${LIMIT_MIB} MiB`, async () => {
    const { layers } = await cluster.registry.generateImage({ layers: 1, sizeBytes: LAYER_BYTES })
    const [layer] = layers
    if (layer === undefined) throw new Error('the image has no layer')
    const supernode = await cluster.supernodeProcess()
    const dfdaemon = await cluster.dfdaemonProcess({ supernode: supernode.url })

    const pulled = await pullBlob(dfdaemon, { repository: 'library/demo', digest: layer.digest })

    expect(pulled).toMatchObject({ status: 200, digest: layer.digest })
    const peaks = { dfdaemon: await peakMib(dfdaemon), supernode: await peakMib(supernode) }
    process.stdout.write(`peak resident memory over a ${LAYER} layer, in MiB: ${JSON.stringify(peaks)}\n`)
    expect(peaks.dfdaemon).toBeLessThan(LIMIT_MIB)
    expect(peaks.supernode).toBeLessThan(LIMIT_MIB)
  })
})

/** The highest resident memory that a process has had (proc(5), VmHWM). */
async function peakMib({ process: { pid } }: TestProcess): Promise<number> {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Math.round(Number(kib) / 1024)
}
