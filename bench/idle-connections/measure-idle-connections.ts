import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { watchMachine } from '../conditions.ts'
import { type Client, startClient } from '../loopback/client-program.ts'
import { type Dfdaemon, type Registry, startDfdaemon, startRegistry } from '../loopback/programs.ts'
import { createChildren } from '../measure/children.ts'
import { readCommit } from '../measure/commit.ts'
import { measureRounds } from '../measure/measure-rounds.ts'
import { miBps } from '../measure/speed.ts'
import { type BurdenProgram, startBurden } from './burden-program.ts'
import type { IdleConnectionsConfig } from './config.ts'
import type { IdleConnectionsFigures, IdleRound, Pulls } from './figures.ts'

const BURDEN_BLOB_BYTES = 64 * 1024 ** 2

interface Options {
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

/**
 * Measures pulls through a dfdaemon, alone and beside clients that hold connections and are slow, in turn.
 * @throws DamselflyError PROGRAM_FAILED when a program fails, CONTENT_CORRUPT; the signal's reason
 */
export async function measureIdleConnections(
  config: IdleConnectionsConfig,
  options: Options,
): Promise<IdleConnectionsFigures> {
  const commit = readCommit()
  const conditions = watchMachine()
  const measured = await measureAll(config, options)
  return { ...measured, commit, conditions: conditions() }
}

async function measureAll({ idle, slow, size, rounds: count }: IdleConnectionsConfig, { heard, signal }: Options) {
  await using scratch = await createScratchDirectory()
  await using children = createChildren({ signal })
  const [client, burden, registry] = await Promise.all([
    startClient(children),
    startBurden(children),
    startRegistry(children),
  ])
  const init = { label: 'the dfdaemon', directory: join(scratch.path, 'dfdaemon'), supernodeUrl: '' }
  const dfdaemon = await startDfdaemon(children, init, registry)
  const slowlyRead = await registry.layer(BURDEN_BLOB_BYTES)
  const port = Number(new URL(dfdaemon.url).port)
  // Code is compiled, and the blob that others read slowly is in the store.
  await client.get(dfdaemon.url, slowlyRead)
  await pull({ client, dfdaemon, registry }, size)
  heard('warm')

  let leastOpen = Number.POSITIVE_INFINITY
  async function burdened(): Promise<Pulls> {
    await burden.take({ port, idle, slow, blobPath: slowlyRead.path })
    const before = await burden.counts()
    const pulls = await pull({ client, dfdaemon, registry }, size)
    leastOpen = Math.min(leastOpen, before.open, (await burden.counts()).open)
    await burden.release()
    return pulls
  }
  const rounds: readonly IdleRound[] = await measureRounds<IdleRound>(
    { alone: () => pull({ client, dfdaemon, registry }, size), burdened },
    { rounds: count, heard: done => heard(`${done} of ${count} rounds`) },
  )
  return { rounds, idle, slow, sizeBytes: size, leastOpen, ended: await endedBy(burden) }
}

async function endedBy(burden: BurdenProgram): Promise<number> {
  return (await burden.counts()).ended
}

interface Programs {
  readonly client: Client
  readonly dfdaemon: Dfdaemon
  readonly registry: Registry
}

/** Pulls a new blob, from the registry and then from the store. */
async function pull({ client, dfdaemon, registry }: Programs, sizeBytes: number): Promise<Pulls> {
  const blob = await registry.layer(sizeBytes)
  const cold = await client.get(dfdaemon.url, blob)
  const warm = await client.get(dfdaemon.url, blob)
  return {
    coldMiBps: miBps(blob.sizeBytes, cold.elapsedMs),
    warmMiBps: miBps(blob.sizeBytes, warm.elapsedMs),
    rssMiB: await rssMiB(dfdaemon.pid),
  }
}

/** Resident memory of a process (proc(5), `VmRSS`). */
async function rssMiB(pid: number): Promise<number> {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}
