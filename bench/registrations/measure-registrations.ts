import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { createMemberClient } from '../../supernode/client/member-client.ts'
import { createSupernodeClient } from '../../supernode/client/supernode-client.ts'
import { joinToken, ownersApi } from '../../test/helpers/join.ts'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { watchMachine } from '../conditions.ts'
import type { RegistryBlob } from '../loopback/blob.ts'
import { startRegistry, startSupernodeProgram } from '../loopback/programs.ts'
import { createChildren } from '../measure/children.ts'
import { readCommit } from '../measure/commit.ts'
import { registerBlobs } from '../small-file/seed-blobs.ts'
import type { RegistrationsConfig } from './config.ts'
import { type MemberIdentity, memberEndpoint } from './connections.ts'
import type { RegistrationFigures } from './figures.ts'
import { type Load, type NamedBlob, startLoader } from './loader-program.ts'

const BLOB_BYTES = 4096
/** As it runs for others; only that the registries are on the loopback. Requests of one address may fail as often as they like. */
const SECURE = {
  trial: 'false',
  'outbound.schemes': 'http',
  'outbound.allowPorts': '1-65535',
  'outbound.allowNetworks': '127.0.0.0/8',
}
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
  const directory = join(scratch.path, 'supernode')
  await using children = createChildren({ signal })
  const loader = await startLoader(children)
  const closed = await children.start('the private registry', new URL('private-registry.ts', import.meta.url))
  const [registry, supernode] = await Promise.all([
    startRegistry(children),
    startSupernodeProgram(children, directory, SECURE),
  ])
  const blobs: RegistryBlob[] = []
  while (blobs.length < contents) blobs.push(await registry.blob(BLOB_BYTES))
  const token = await joinToken({ dataDir: directory })
  const members: MemberIdentity[] = []
  while (members.length < identities) members.push(await newMember(supernode.url, token, { signal }))
  const [first] = members
  if (first === undefined) throw new DamselflyError('INTERNAL', 'nobody registers')
  const api = await memberEndpoint(supernode.url, first)
  await registerBlobs({ supernode: api, peerId: first.peerId }, registry, blobs, { signal })
  await waitForAll(directory, blobs, { signal })
  const { clusterKey } = await createSupernodeClient(api).cluster({ signal })
  heard('the supernode holds all blobs')

  const load: Load = {
    ...{ url: supernode.url, clusterKey },
    members,
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

/** A new member of the cluster. */
async function newMember(url: string, token: string, options: { signal: AbortSignal }): Promise<MemberIdentity> {
  const seed = randomBytes(32).toString('base64')
  const { peerId } = await createMemberClient(await memberEndpoint(url, { seed })).join(
    { token, name: 'load' },
    options,
  )
  return { peerId, seed }
}

/** Waits until the supernode holds all blobs. */
async function waitForAll(
  dataDir: string,
  blobs: readonly RegistryBlob[],
  { signal }: { signal: AbortSignal },
): Promise<void> {
  for (;;) {
    const answer = await requestApi(ownersApi('supernode', dataDir), '/api/v1/tasks', { signal })
    const tasks = (await answer.body.json()) as { id: string; state: string }[]
    const complete = new Set(tasks.filter(({ state }) => state === 'complete').map(({ id }) => id))
    if (blobs.every(({ digest }) => complete.has(digest))) return
    await wait(100, undefined, { signal })
  }
}
