import { randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { AuditLog } from '../lib/audit/audit-log.ts'
import { addAudit } from '../lib/audit/audit-requests.ts'
import { AUDIT_METRICS } from '../lib/audit/metrics.ts'
import { BlockBuffers } from '../lib/blocks/block-buffers.ts'
import { DiskBlockStore } from '../lib/blocks/disk-block-store.ts'
import { quotaOf } from '../lib/blocks/store-config.ts'
import { countStore, STORE_METRICS } from '../lib/blocks/store-metrics.ts'
import { systemClock } from '../lib/clock.ts'
import { operatorSocketOf } from '../lib/config/operator-socket-setting.ts'
import { checkTrial } from '../lib/config/trial-setting.ts'
import { serveBlocks } from '../lib/exchange/block-server.ts'
import { createThreadHasher } from '../lib/hashing/thread-hasher.ts'
import { nodeSource } from '../lib/http/access/node-source.ts'
import { socketSource } from '../lib/http/access/socket-source.ts'
import { createTokenSource } from '../lib/http/access/token-source.ts'
import { addTokenRoutes } from '../lib/http/access/tokens/token-routes.ts'
import { TokenStore } from '../lib/http/access/tokens/token-store.ts'
import { trialSource } from '../lib/http/access/trial-source.ts'
import { createHttpServer } from '../lib/http/api-server.ts'
import { addHealthRoutes } from '../lib/http/health-routes.ts'
import { parseListenAddress } from '../lib/http/listen-address.ts'
import { createLocalSocket } from '../lib/http/local-socket.ts'
import { PROTECTION_METRICS } from '../lib/http/protection/metrics.ts'
import { createProgramProtection } from '../lib/http/protection/program-protection.ts'
import { createLifecycle, type Startable } from '../lib/lifecycle.ts'
import { BackgroundGate } from '../lib/limits/background-gate.ts'
import { addLimitsRoutes } from '../lib/limits/limits-route.ts'
import type { Logger } from '../lib/logger.ts'
import { createMetrics } from '../lib/metrics.ts'
import { AccessCheck } from '../lib/origin/access.ts'
import { originByScheme } from '../lib/origin/by-scheme.ts'
import { createCredentialStore } from '../lib/origin/credentials/create-credential-store.ts'
import { createUpstreamFetcher } from '../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../lib/origin/http-origin.ts'
import { createOutboundPolicy } from '../lib/origin/outbound/create-policy.ts'
import type { ResumeComponents } from '../lib/origin/read-resumable.ts'
import { createMirroredOrigin } from '../lib/origin/upstreams/mirrored-origin.ts'
import { createMirrors } from '../lib/origin/upstreams/mirrors.ts'
import { createRegistryGate } from '../lib/origin/upstreams/registry-gate.ts'
import { configuredAccounts, configuredTls } from '../lib/origin/upstreams/upstream-settings.ts'
import { loadOrCreateSeed, peerKeyFromSeed } from '../lib/p2p/identity.ts'
import { createLibp2pNode } from '../lib/p2p/libp2p-node.ts'
import { keysOfSeed } from '../protocol/ed25519-seed.ts'
import { type ClusterInfo, MAX_REGISTRATION_BYTES } from '../protocol/messages/registration.ts'
import { TOKEN_ROLES } from '../protocol/messages/token-api.ts'
import type { TaskId } from '../protocol/task.ts'
import { createTicketVerifier } from '../protocol/ticket.ts'
import { admissionByScheme } from './api/admission.ts'
import { addBlocklistRoutes } from './api/blocklist.ts'
import { SUPERNODE_API } from './api/description.ts'
import { addDialBackRoute } from './api/dial-back.ts'
import { addImportRoutes } from './api/imports.ts'
import { joinUrlOf } from './api/join-url.ts'
import { addMemberRoutes } from './api/members.ts'
import { addPeerRoutes } from './api/peers.ts'
import { addPreheatRoutes } from './api/preheats.ts'
import { PUBLIC_ROUTES } from './api/public-routes.ts'
import { addRegistrationRoutes } from './api/registration.ts'
import { createTaskViews } from './api/task-views.ts'
import { addTaskRoutes } from './api/tasks.ts'
import { withoutV1Prefix } from './api/v1-prefix.ts'
import type { SupernodeConfig } from './config.ts'
import { serveControl } from './control/control-server.ts'
import { createEventLog, NO_EVENT_LOG } from './control/event-log.ts'
import { SwarmDirector } from './control/swarm-director.ts'
import { ImportStore } from './imports/import-store.ts'
import { Imports } from './imports/imports.ts'
import { createSwarmOrigin } from './imports/swarm-origin.ts'
import { createSupernodeLimits, SupernodeLimitsConfig } from './limits.ts'
import { createMembership } from './members/create-membership.ts'
import { SUPERNODE_METRICS } from './metrics.ts'
import { createPreheat } from './preheat/create-preheat.ts'
import { addForeignPreheatRoutes } from './preheat-apis/foreign-preheat-routes.ts'
import { ReplicaKeeper } from './replicas/replica-keeper.ts'
import { createSchedulerState } from './scheduler/state.ts'
import { seedListeners } from './seed/seed-listeners.ts'
import { Seeder } from './seed/seeder.ts'
import { SmallContentStore } from './small/small-content-store.ts'
import { SmallContents } from './small/small-contents.ts'
import { createServerCertificate } from './tls/server-certificate.ts'

/** A peer that could not keep a replica is not asked for it again before, in milliseconds. */
const REPLICA_RETRY_MS = 10 * 60_000

/** A running supernode. */
export interface Supernode extends Startable {
  /** `http://host:port` of its API, valid while started. */
  url(): string
  readonly peerId: string
  /** Multiaddrs of its libp2p node, valid while started. */
  addresses(): string[]
  /** Whether no node has joined, nor can: there is no token for it. Never so of a trial. Valid while started. */
  awaitsFirstNode(): boolean
}

/** Puts a supernode together. */
export async function createSupernode(config: SupernodeConfig, logger: Logger): Promise<Supernode> {
  checkTrial(config.trial, {
    listen: { 'http.listen': config.http.listen },
    multiaddrs: { 'p2p.listen': config.p2p.listen, 'p2p.announce': config.p2p.announce },
  })
  const clock = systemClock
  const metrics = createMetrics(
    { ...SUPERNODE_METRICS, ...AUDIT_METRICS, ...STORE_METRICS, ...PROTECTION_METRICS },
    { processMetrics: true },
  )
  const limits = createSupernodeLimits({ clock, metrics }, config.limits)
  const clusterKey = keysOfSeed(await loadOrCreateSeed(config.dataDir, 'cluster'))
  const ticketVerifier = createTicketVerifier(clusterKey.publicKey)

  const privateKey = peerKeyFromSeed(await loadOrCreateSeed(config.dataDir, 'peer'))
  const { protection, maxPeerConnections } = createProgramProtection({ clock, logger, metrics }, config)
  const tokens = new TokenStore(
    { clock },
    { dataDir: config.dataDir, roles: TOKEN_ROLES, clusterKey: clusterKey.publicKey },
  )
  const members = createMembership(
    {
      clusterKey,
      tokens: { spend: async token => (await tokens.spend(token, 'node')).id },
      clock,
      logger,
      account: { refused: () => metrics.refusedConnections.inc() },
      expel: peers => director.expel(peers),
      async forbid(task) {
        director.forbid('forbid', [task])
        await dropTask(task)
      },
      allow: task => director.forbid('allow', [task]),
    },
    {
      dataDir: config.dataDir,
      peer: peerIdFromPrivateKey(privateKey).toString(),
      lifetimeMs: config.membership.lifetimeMinutes * 60_000,
      forgetMs: config.membership.forgetDays * 86_400_000,
    },
  )
  const { membership, expulsions, blocklist } = members
  const node = await createLibp2pNode({
    privateKey,
    ...config.p2p,
    maxConnections: maxPeerConnections,
    ...(!config.trial && { admission: members.admission }),
  })
  const buffers = new BlockBuffers()
  const hasher = createThreadHasher()
  const quota = quotaOf(config.store)
  const store = new DiskBlockStore({ logger, clock, buffers, hasher }, { dataDir: config.dataDir, quota })

  const { upstreams, registries } = config
  const outbound = createOutboundPolicy(config.outbound, { trial: config.trial, upstreams })
  const fetcher = createUpstreamFetcher({ logger, clock }, { outbound, tlsFor: await configuredTls(upstreams) })
  const credentials = createCredentialStore({ logger, clock }, { accounts: configuredAccounts(upstreams) })
  const mirrors = createMirrors({ logger, clock, credentials }, upstreams)
  const reader = createHttpOrigin({ fetcher })
  const gate = createRegistryGate({ origin: reader, credentials }, { upstreams, registries })
  const access = new AccessCheck(
    { origin: gate, clock },
    {
      lifetimeMs: config.admissionLifetimeSeconds * 1000,
      outage: config.admissionOutage,
      recentMs: config.admissionRecentSeconds * 1000,
    },
  )
  const imported = new ImportStore({ logger }, { dataDir: config.dataDir })
  const swarm = createSwarmOrigin({ store, isImported: taskId => imported.get(taskId) !== undefined })
  const others = createMirroredOrigin({ origin: gate, reader, access, mirrors })
  const origin = originByScheme({ swarm, others })
  const admission = admissionByScheme({ swarm, access })

  const eventLog = config.eventLog === '' ? NO_EVENT_LOG : createEventLog({ clock, logger }, config.eventLog)
  const replicas: ReplicaKeeper = new ReplicaKeeper(
    { clock, logger, send: (peer, message) => director.send(peer, message) },
    { graceMs: config.imports.replicaGraceSeconds * 1000, retryMs: REPLICA_RETRY_MS },
  )
  const preheat = createPreheat(
    {
      admission,
      blocklist,
      fetcher,
      credentials,
      seeder: { ensure: (...task) => seeder.ensure(...task), get: taskId => seeder.get(taskId) },
      director: {
        send: (peer, message) => director.send(peer, message),
        membersOf: taskId => director.membersOf(taskId),
      },
      nameOf: peer => membership.members().get(peer)?.name,
      clock,
      logger,
    },
    { ...config.preheat, dataDir: config.dataDir, upstreams, registries },
  )
  const backgroundGate = new BackgroundGate(clock)
  const director: SwarmDirector = new SwarmDirector(
    {
      findTask: taskId => seeder.find(taskId),
      shapeOf: taskId => seeder.shapeOf(taskId),
      ticketVerifier,
      clock,
      logger,
      account: {
        report: kind => metrics.reports.inc({ kind }),
        granted: blocks => metrics.grantedBlocks.inc(blocks),
        invalidMessage: code => metrics.invalidMessages.inc({ code }),
        message: direction => metrics.controlMessages.inc({ direction }),
        scheduled: elapsedMs => metrics.schedulerSeconds.inc(elapsedMs / 1000),
      },
      replicas,
      fetches: preheat.fetches,
      expulsions,
      forbidden: () => blocklist.tasks(),
      refuse: peers => node.expel(peers),
      uploads: backgroundGate,
      record: event => eventLog.record(event),
    },
    createSchedulerState(randomInt(2 ** 32)),
  )
  const resume: ResumeComponents = {
    origin,
    logger,
    account: bytes => metrics.originBytes.inc(bytes),
    wait: (delayMs, signal) => wait(delayMs, undefined, { signal }),
  }
  const smallStore = new SmallContentStore({ logger }, { dataDir: config.dataDir, maxBytes: config.smallBytes })
  const small = new SmallContents({ store: smallStore, resume })
  const seeder: Seeder = new Seeder({
    store,
    buffers,
    hasher,
    resume,
    heldRead: taskId => small.heldRead(taskId),
    unproven: imported,
    listener: seedListeners(director, preheat.reads),
    givesWay: taskId => !backgroundGate.open && director.isForBackground(taskId),
    clock,
    logger,
  })
  const imports = new Imports({ records: imported, store, seeder, replicas, clock, logger })

  /** In this order: nobody is let in any more while the rest goes. @returns whether there was anything of it */
  async function dropTask(task: TaskId): Promise<boolean> {
    const gone = [await imports.forget(task), await smallStore.delete(task), await seeder.drop(task)]
    return gone.includes(true)
  }

  const certificate = config.trial
    ? undefined
    : await createServerCertificate(
        { clusterKey, clock, logger, replaced: next => http.replaceCertificate(next) },
        { ...config.http, host: parseListenAddress(config.http.listen).host, dataDir: config.dataDir },
      )
  const cluster = (): ClusterInfo => ({
    supernode: { id: node.peerId, addresses: node.addresses() },
    clusterKey: clusterKey.publicKey,
    now: clock.wallTime(),
  })

  const http = await createHttpServer({
    listen: config.http.listen,
    bodyLimitBytes: MAX_REGISTRATION_BYTES,
    logger,
    api: SUPERNODE_API,
    tls: certificate?.initial,
    access: {
      sources: config.trial
        ? [trialSource]
        : [nodeSource(peer => membership.admits(peer)), createTokenSource(tokens), socketSource],
      publicRoutes: PUBLIC_ROUTES,
      tokenCommand: 'supernode token create',
      refusesPages: config.trial,
    },
    protection,
    rewriteUrl: withoutV1Prefix,
  })
  const auditLog = new AuditLog({ clock, logger, metrics }, { program: 'supernode', dataDir: config.dataDir })
  addAudit(http.app, { log: auditLog, clock, metrics })
  addHealthRoutes(http.app, 'supernode', {
    contentType: metrics.contentType,
    async text() {
      countStore(metrics, await store.space())
      protection.count()
      metrics.tasks.set([...seeder.tasks()].length)
      metrics.peers.set(director.peers().length)
      metrics.members.set(membership.members().size)
      metrics.blockedTasks.set(blocklist.tasks().length)
      metrics.blockedPeers.set(blocklist.list().length - blocklist.tasks().length)
      return metrics.text()
    },
  })
  addPeerRoutes(http.app, { peers: () => director.peers() })
  const views = createTaskViews({ seeder, small: smallStore, store, director, imports, replicas })
  addTaskRoutes(http.app, { views, drop: dropTask, admission })
  addImportRoutes(http.app, { views, imports, blocklist })
  addLimitsRoutes(http.app, { limits, schema: SupernodeLimitsConfig })
  addMemberRoutes(http.app, {
    membership,
    cluster,
    linked: () => new Set(director.peers().map(({ id }) => id)),
  })
  addBlocklistRoutes(http.app, { blocklist })
  addTokenRoutes(http.app, { tokens, joinUrl: () => joinUrlOf(http.url()) })
  addPreheatRoutes(http.app, { preheats: preheat.preheats, clock, logger })
  addForeignPreheatRoutes(http.app, { preheats: preheat.preheats })
  addDialBackRoute(http.app, { node, peers: () => director.peers() })
  addRegistrationRoutes(http.app, {
    admission,
    warrants: preheat.warrants,
    seeder,
    small,
    store,
    clusterKey,
    ticketLifetimeMs: config.ticketLifetimeSeconds * 1000,
    clock,
    blocklist,
    cluster,
    account: result => metrics.registrations.inc({ result }),
  })

  const operatorSocket = createLocalSocket(
    { app: http.app, logger, protection },
    { path: operatorSocketOf('supernode', config), role: 'operator', without: 'its commands need a token' },
  )
  const streams: Startable = {
    async start() {
      await serveControl({
        node,
        director,
        logger,
        account: { invalidMessage: code => metrics.invalidMessages.inc({ code }) },
      })
      await serveBlocks({
        node,
        source: seeder,
        limits: limits.uploads,
        priority: {
          isBackground: (task, peer) => director.isBackground(task, peer),
          gate: backgroundGate,
        },
        ticketVerifier: () => ticketVerifier,
        clock,
        logger,
        account: {
          sent: (_task, _peer, bytes) => metrics.uploadedBytes.inc(bytes),
          refused: reason => metrics.refusals.inc({ reason }),
        },
      })
    },
    async stop() {},
  }

  return {
    ...createLifecycle([
      eventLog,
      credentials,
      mirrors,
      fetcher,
      hasher,
      store,
      smallStore,
      small,
      imported,
      seeder,
      imports,
      replicas,
      preheat,
      director,
      streams,
      node,
      auditLog,
      tokens,
      members,
      ...(certificate ? [certificate] : []),
      http,
      operatorSocket,
    ]),
    url: http.url,
    peerId: node.peerId,
    addresses: () => node.addresses(),
    awaitsFirstNode: () =>
      !config.trial && membership.members().size === 0 && !tokens.list().some(({ role }) => role === 'node'),
  }
}
