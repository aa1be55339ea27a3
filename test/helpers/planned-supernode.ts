import { generateKeyPair } from '@libp2p/crypto/keys'
import { BlockBuffers } from '../../lib/blocks/block-buffers.ts'
import { MemoryBlockStore } from '../../lib/blocks/memory-block-store.ts'
import { systemClock } from '../../lib/clock.ts'
import { serveBlocks } from '../../lib/exchange/block-server.ts'
import { createInlineHasher } from '../../lib/hashing/inline-hasher.ts'
import { trialSource } from '../../lib/http/access/trial-source.ts'
import { createHttpServer } from '../../lib/http/api-server.ts'
import { BackgroundGate } from '../../lib/limits/background-gate.ts'
import { silentLogger } from '../../lib/logger.ts'
import { AccessCheck } from '../../lib/origin/access.ts'
import { createUpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import type { Source } from '../../lib/origin/origin.ts'
import { fetchedSource } from '../../lib/origin/registered-source.ts'
import { createLibp2pNode } from '../../lib/p2p/libp2p-node.ts'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import type { Labels } from '../../protocol/messages/fields.ts'
import { MAX_REGISTRATION_BYTES } from '../../protocol/messages/registration.ts'
import type { TaskId } from '../../protocol/task.ts'
import { createTicketVerifier } from '../../protocol/ticket.ts'
import { SUPERNODE_API } from '../../supernode/api/description.ts'
import { PUBLIC_ROUTES } from '../../supernode/api/public-routes.ts'
import { addRegistrationRoutes, taskIdOf } from '../../supernode/api/registration.ts'
import { serveControl } from '../../supernode/control/control-server.ts'
import { SwarmDirector } from '../../supernode/control/swarm-director.ts'
import { Warrants } from '../../supernode/preheat/warrants.ts'
import { createSchedulerState } from '../../supernode/scheduler/state.ts'
import { Seeder } from '../../supernode/seed/seeder.ts'
import { seededBytes } from './blob.ts'
import { unlimited } from './block-exchange.ts'
import { trialPolicy } from './outbound.ts'
import { waitFor } from './wait.ts'

/** What peers that fetch have said. */
export type FetchNews =
  | { readonly type: 'linked'; readonly peer: string; readonly labels: Labels }
  | { readonly type: 'gone'; readonly peer: string }
  | { readonly type: 'fetched'; readonly peer: string; readonly task: TaskId }
  | { readonly type: 'not-fetched'; readonly peer: string; readonly task: TaskId; readonly code: string }

/** A supernode of which the test is the planner: whatever peers shall fetch, it says. */
export interface PlannedSupernode extends AsyncDisposable {
  readonly url: string
  readonly peerId: string
  /** Multiaddrs of its libp2p node. */
  addresses(): string[]
  readonly director: SwarmDirector
  readonly warrants: Warrants
  readonly seeder: Seeder
  readonly store: MemoryBlockStore
  /** All that was heard, in order. */
  readonly news: readonly FetchNews[]
  /** Waits for news that fit. */
  heard(wanted: Partial<Record<'type' | 'peer' | 'task', string>>): Promise<FetchNews>
  /** Asks the origin as whoever has the job, and has a linked peer fetch the content. @returns its task */
  fetch(peer: string, source: Source): Promise<TaskId>
  /** Lets registrations wait. */
  beforeRegistration: () => Promise<void> | void
  /** Bytes read from origins. */
  originBytes(): number
}

const PATIENCE = { timeoutMs: 20_000 }

/**
 * Starts a supernode on the loopback, of its real parts, with its blocks in memory.
 * @param init.egress bytes a second that it sends to peers; as many as go by default
 */
export async function startPlannedSupernode({ egress = 0 } = {}): Promise<PlannedSupernode> {
  const clock = systemClock
  const logger = silentLogger()
  const nothing = (): void => {}
  const clusterKey = keysOfSeed(seededBytes(32, 'planned'))
  const ticketVerifier = createTicketVerifier(clusterKey.publicKey)
  const node = await createLibp2pNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  })
  const fetcher = createUpstreamFetcher({ logger, clock }, { outbound: trialPolicy(), tlsFor: () => undefined })
  const origin = createHttpOrigin({ fetcher })
  const admission = new AccessCheck({ origin, clock }, { lifetimeMs: 60_000, outage: 'deny', recentMs: 0 })
  const store = new MemoryBlockStore({ clock })
  const warrants = new Warrants()
  const gate = new BackgroundGate(clock)
  const news: FetchNews[] = []
  let originBytes = 0
  const director: SwarmDirector = new SwarmDirector(
    {
      findTask: task => seeder.find(task),
      shapeOf: task => seeder.shapeOf(task),
      ticketVerifier,
      clock,
      logger,
      account: { report: nothing, granted: nothing, invalidMessage: nothing, message: nothing, scheduled: nothing },
      replicas: { linked: nothing, gone: nothing, kept: nothing, refused: nothing },
      fetches: {
        linked: ({ address, labels }) => void news.push({ type: 'linked', peer: address.id, labels }),
        gone: peer => void news.push({ type: 'gone', peer }),
        fetched: (peer, task) => void news.push({ type: 'fetched', peer, task }),
        notFetched: (peer, task, code) => void news.push({ type: 'not-fetched', peer, task, code }),
      },
      expulsions: { current: () => [] },
      refuse: nothing,
      forbidden: () => [],
      uploads: gate,
      record: nothing,
    },
    createSchedulerState(1),
  )
  const seeder = new Seeder({
    givesWay: taskId => !gate.open && director.isForBackground(taskId),
    store,
    buffers: new BlockBuffers(),
    hasher: createInlineHasher(),
    resume: {
      origin,
      logger,
      account: bytes => {
        originBytes += bytes
      },
      wait: async () => {},
    },
    heldRead: async () => undefined,
    unproven: { mark: async () => {}, unmark: async () => {} },
    listener: director,
    clock,
    logger,
  })
  const http = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: MAX_REGISTRATION_BYTES,
    logger,
    api: SUPERNODE_API,
    access: { sources: [trialSource], publicRoutes: PUBLIC_ROUTES, tokenCommand: 'none', refusesPages: true },
  })
  http.app.addHook('onRequest', async () => await self.beforeRegistration())
  addRegistrationRoutes(http.app, {
    admission,
    warrants,
    seeder,
    small: { get: () => Promise.reject(new Error('nothing is read as a whole in this test')) },
    store,
    clusterKey,
    ticketLifetimeMs: 60_000,
    clock,
    blocklist: { checkTask: nothing },
    cluster: () => ({
      supernode: { id: node.peerId, addresses: node.addresses() },
      clusterKey: clusterKey.publicKey,
      now: clock.wallTime(),
    }),
    account: nothing,
  })
  await serveControl({ node, director, logger, account: { invalidMessage: nothing } })
  await serveBlocks({
    node,
    source: seeder,
    limits: unlimited({ upload: egress }).uploads,
    priority: {
      isBackground: (task, peer) => director.isBackground(task, peer),
      gate,
    },
    ticketVerifier: () => ticketVerifier,
    clock,
    logger,
    account: { sent: nothing, refused: nothing },
  })
  const stack = new AsyncDisposableStack()
  for (const part of [fetcher, store, seeder, director, node, http]) {
    await part.start()
    stack.defer(() => part.stop())
  }
  const self: PlannedSupernode = {
    url: http.url(),
    peerId: node.peerId,
    addresses: () => node.addresses(),
    director,
    warrants,
    seeder,
    store,
    news,
    heard: wanted =>
      waitFor(
        () => news.find(said => Object.entries(wanted).every(([key, value]) => Reflect.get(said, key) === value)),
        { ...PATIENCE, what: JSON.stringify(wanted) },
      ),
    async fetch(peer, source) {
      const info = await admission.check(source, { allowStale: false })
      const task = taskIdOf(source, info)
      warrants.give(peer, task, { source, info })
      director.send(peer, { type: 'fetch', task, source: fetchedSource(source) })
      return task
    },
    beforeRegistration() {},
    originBytes: () => originBytes,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
  return self
}
