import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { createSupernodeClient } from '../../supernode/client/supernode-client.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { watchMachine } from '../conditions.ts'
import type { RegistryBlob } from '../loopback/blob.ts'
import { startRegistry, startSupernodeProgram } from '../loopback/programs.ts'
import { createChildren } from '../measure/children.ts'
import { readCommit } from '../measure/commit.ts'
import { seedBlobs } from '../small-file/seed-blobs.ts'
import type { RegistrationsConfig } from './config.ts'
import type { RegistrationFigures } from './figures.ts'
import { type Load, type NamedBlob, startLoader } from './loader-program.ts'

const BLOB_BYTES = 4096
const ANSWER_MS = 30_000

interface Options {
  /** Is told what has been done. */
  readonly heard: (what: string) => void
  readonly signal: AbortSignal
}

/**
 * Measures a supernode under registrations, right ones and wrong ones.
 * @throws DamselflyError PROGRAM_FAILED when a program fails; the signal's reason
 */
export async function measureRegistrations(
  config: RegistrationsConfig,
  options: Options,
): Promise<RegistrationFigures> {
  const commit = readCommit()
  const conditions = watchMachine()
  const measured = await measureAll(config, options)
  return { ...measured, commit, conditions: conditions() }
}

async function measureAll(config: RegistrationsConfig, { heard, signal }: Options) {
  const { rate, seconds, warmUp, identities, contents } = config
  await using scratch = await createScratchDirectory()
  await using children = createChildren({ signal })
  const loader = await startLoader(children)
  const closed = await children.start('the private registry', new URL('private-registry.ts', import.meta.url))
  const [registry, supernode] = await Promise.all([
    startRegistry(children),
    startSupernodeProgram(children, join(scratch.path, 'supernode')),
  ])
  const blobs: RegistryBlob[] = []
  while (blobs.length < contents) blobs.push(await registry.blob(BLOB_BYTES))
  await seedBlobs(supernode.url, registry, blobs, { signal })
  const { clusterKey } = await createSupernodeClient(supernode.url).cluster({ signal })
  heard('the supernode holds all blobs')

  const load: Load = {
    ...{ url: supernode.url, clusterKey },
    peerIds: await Promise.all(Array.from({ length: identities }, newPeerId)),
    blobs: blobs.map(({ path, digest }) => ({ url: registry.url + path, digest })),
    privateBlob: await closed.ask<NamedBlob>('blob', { timeoutMs: ANSWER_MS }),
    ...{ perSecond: rate, seconds },
  }
  if (warmUp > 0) await loader.load({ ...load, seconds: warmUp })
  heard('warm')
  const before = await supernode.cpuSeconds()
  const result = await loader.load(load)
  const supernodeCpuSeconds = (await supernode.cpuSeconds()) - before
  return { ...result, ...{ perSecond: rate, identities, contents, supernodeCpuSeconds } }
}

async function newPeerId(): Promise<string> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
}
