import type { Clock } from '../../lib/clock.ts'
import { createLifecycle, type Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import { ownPlatform } from '../../lib/origin/artifacts/platform.ts'
import type { CredentialStore } from '../../lib/origin/credentials/credential-store.ts'
import type { UpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import { isServed } from '../../lib/origin/upstreams/registry-names.ts'
import type { ServedRegistries, UpstreamConfigs } from '../../lib/origin/upstreams/upstream-config.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { SupernodeToPeer } from '../../protocol/messages/control.ts'
import type { PreheatRequest } from '../../protocol/messages/preheat-api.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { MemberView } from '../control/swarm-director.ts'
import type { SeedTask } from '../seed/seed-task.ts'
import type { SeedListener } from '../seed/seeder.ts'
import { imageReference } from './image-name.ts'
import { JobStore } from './job-store.ts'
import type { JobProgress } from './job-view.ts'
import { NodeFetches } from './node-fetches.ts'
import { elseAsOurselves } from './own-account.ts'
import type { PlanConfig } from './plan/state.ts'
import { Preheater } from './preheater.ts'
import { ContentReader, type ContentReaderComponents } from './read-content.ts'
import { type ResolvedImage, resolveImage } from './resolve-image.ts'
import { Warrants } from './warrants.ts'

export interface PreheatComponents extends Pick<ContentReaderComponents, 'admission' | 'blocklist'> {
  readonly fetcher: UpstreamFetcher
  readonly credentials: CredentialStore
  readonly seeder: ContentReaderComponents['seeder'] & { get(task: TaskId): SeedTask | undefined }
  readonly director: { send(peer: string, message: SupernodeToPeer): void; membersOf(task: TaskId): MemberView[] }
  readonly nameOf: (peer: string) => string | undefined
  readonly clock: Clock
  readonly logger: Logger
}

export interface PreheatInit {
  readonly dataDir: string
  readonly upstreams: UpstreamConfigs
  readonly registries: ServedRegistries
  readonly contentsAtOnce: number
  readonly nodesAtOnce: number
  readonly deadlineMinutes: number
}

/** What spreads content before it is asked for. */
export interface Preheat extends Startable {
  readonly preheats: Preheater
  readonly fetches: NodeFetches
  readonly warrants: Warrants
  /** Hears of what the supernode reads. */
  readonly reads: Pick<SeedListener, 'complete' | 'failed' | 'dropped'>
}

const PATIENCE: Omit<PlanConfig, 'contentsAtOnce' | 'nodesAtOnce'> = {
  triesOfNode: 5,
  firstPauseMs: 1_000,
  longestPauseMs: 30_000,
  awayMs: 60_000,
}

/** Puts together what preheats. */
export function createPreheat(components: PreheatComponents, init: PreheatInit): Preheat {
  const { fetcher, credentials, director, seeder, nameOf, clock, logger } = components
  const { upstreams, registries, contentsAtOnce, nodesAtOnce, deadlineMinutes, dataDir } = init
  const warrants = new Warrants()
  const records = new JobStore({ logger }, { dataDir })
  const reader = new ContentReader(components, { atOnce: contentsAtOnce })
  const fetches: NodeFetches = new NodeFetches({
    warrants,
    send: (peer, message) => director.send(peer, message),
    nameOf,
    tell: event => preheats.tell(event),
    now: () => clock.now(),
  })

  async function resolve(
    request: PreheatRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<ResolvedImage> {
    const reference = imageReference(request.image ?? '', upstreams)
    if (!isServed(reference.registry, registries)) {
      throw new DamselflyError('DENIED', `${reference.registry} is not served here (registries.allow, registries.deny)`)
    }
    const nodes = fetches.platforms()
    const known = nodes.length > 0 ? nodes : [ownPlatform()]
    const platforms = request.platforms === undefined || request.platforms.length === 0 ? known : request.platforms
    const own = await credentials.forRegistry(reference.registry, { signal })
    const { headers = {}, credentials: brought } = request
    return elseAsOurselves({ headers, credentials: brought }, login =>
      resolveImage(fetcher, reference, platforms, {
        headers: login.headers,
        credentials: login.credentials ?? own,
        signal,
      }),
    )
  }

  const preheats: Preheater = new Preheater(
    { records, resolve, reader, nodes: fetches, progress: progressOf({ seeder, director }), clock, logger },
    { plan: { ...PATIENCE, contentsAtOnce, nodesAtOnce }, deadlineMs: deadlineMinutes * 60_000 },
  )
  return { ...createLifecycle([records, preheats.lifecycle]), preheats, fetches, warrants, reads: reader }
}

function progressOf({ seeder, director }: Pick<PreheatComponents, 'seeder' | 'director'>): JobProgress {
  return {
    stored(task) {
      const map = seeder.get(task)?.map
      if (map === undefined) return undefined
      const { length, blockSizeBytes, sizeBytes } = map
      return { sizeBytes, storedBytes: Math.min(length * blockSizeBytes, sizeBytes ?? Number.POSITIVE_INFINITY) }
    },
    atNodes(task) {
      const { blockSizeBytes = 0, sizeBytes = Number.POSITIVE_INFINITY } = seeder.get(task)?.map ?? {}
      const members = director.membersOf(task)
      return new Map(members.map(({ id, have }) => [id, Math.min(have.count * blockSizeBytes, sizeBytes)]))
    },
  }
}
