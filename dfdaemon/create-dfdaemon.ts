import { findCluster } from '../dfget/peer/cluster/find-cluster.ts'
import { createSwarmPeer } from '../dfget/peer/create-swarm-peer.ts'
import { PeerLimitsConfig } from '../dfget/peer/exchange/limits-config.ts'
import { createPeerLimits } from '../dfget/peer/exchange/peer-limits.ts'
import { PEER_METRICS } from '../dfget/peer/metrics.ts'
import { createKeptTasks } from '../dfget/peer/replicas/kept-tasks.ts'
import { AuditLog } from '../lib/audit/audit-log.ts'
import { addAudit } from '../lib/audit/audit-requests.ts'
import { AUDIT_METRICS } from '../lib/audit/metrics.ts'
import { BlockBuffers } from '../lib/blocks/block-buffers.ts'
import { DiskBlockStore } from '../lib/blocks/disk-block-store.ts'
import { quotaOf } from '../lib/blocks/store-config.ts'
import { countStore, STORE_METRICS } from '../lib/blocks/store-metrics.ts'
import { systemClock } from '../lib/clock.ts'
import { ClusterClock } from '../lib/cluster-clock.ts'
import { operatorSocketOf } from '../lib/config/operator-socket-setting.ts'
import { checkTrial } from '../lib/config/trial-setting.ts'
import { createThreadHasher } from '../lib/hashing/thread-hasher.ts'
import { socketSource } from '../lib/http/access/socket-source.ts'
import { createTokenSource } from '../lib/http/access/token-source.ts'
import { addTokenRoutes } from '../lib/http/access/tokens/token-routes.ts'
import { TokenStore } from '../lib/http/access/tokens/token-store.ts'
import { trialSource } from '../lib/http/access/trial-source.ts'
import { createHttpServer } from '../lib/http/api-server.ts'
import { addHealthRoutes } from '../lib/http/health-routes.ts'
import { createLocalSocket } from '../lib/http/local-socket.ts'
import { PROTECTION_METRICS } from '../lib/http/protection/metrics.ts'
import { createProgramProtection } from '../lib/http/protection/program-protection.ts'
import { createLifecycle, type Startable } from '../lib/lifecycle.ts'
import { addLimitsRoutes } from '../lib/limits/limits-route.ts'
import type { Logger } from '../lib/logger.ts'
import { createMetrics } from '../lib/metrics.ts'
import { AccessCheck } from '../lib/origin/access.ts'
import { createCredentialStore } from '../lib/origin/credentials/create-credential-store.ts'
import { createUpstreamFetcher } from '../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../lib/origin/http-origin.ts'
import { createOutboundPolicy } from '../lib/origin/outbound/create-policy.ts'
import { createMirroredFetcher } from '../lib/origin/upstreams/mirrored-fetcher.ts'
import { createMirroredOrigin } from '../lib/origin/upstreams/mirrored-origin.ts'
import { createMirrors } from '../lib/origin/upstreams/mirrors.ts'
import { configuredAccounts, configuredTls } from '../lib/origin/upstreams/upstream-settings.ts'
import { loadOrCreateSeed, peerKeyFromSeed } from '../lib/p2p/identity.ts'
import { createLibp2pNode } from '../lib/p2p/libp2p-node.ts'
import { createSupernodeClient } from '../supernode/client/supernode-client.ts'
import { addContentRoute } from './api/content.ts'
import { DFDAEMON_API } from './api/description.ts'
import { addNodeRoute } from './api/node.ts'
import { PUBLIC_ROUTES } from './api/public-routes.ts'
import { addStoreRoutes } from './api/store.ts'
import { addTaskRoute } from './api/tasks.ts'
import type { DfdaemonConfig } from './config.ts'
import { createAnswerContent } from './intercept/answer-content.ts'
import { createInterceptor } from './intercept/create-interceptor.ts'
import { INTERCEPT_METRICS } from './intercept/metrics.ts'
import { ManifestSource } from './manifests/manifest-source.ts'
import { ManifestStore } from './manifests/manifest-store.ts'
import { DFDAEMON_METRICS } from './metrics.ts'
import { nodeLabels } from './node-labels.ts'
import { createLoopGuard } from './proxy/loop-guard.ts'
import { mirrorErrorBody } from './proxy/oci-failure.ts'
import { addRegistryRoutes } from './proxy/registry-routes.ts'
import { PullLog } from './pulls/pull-log.ts'
import { addPullRoutes } from './pulls/pull-routes.ts'

/** Requests to the local API have no large bodies. */
const BODY_LIMIT_BYTES = 64 * 1024

/** A running dfdaemon. */
export interface Dfdaemon extends Startable {
  /** `http://host:port` of the mirror and the local API, valid while started. */
  url(): string
  readonly peerId: string
}

/** Puts a dfdaemon together. */
export async function createDfdaemon(config: DfdaemonConfig, logger: Logger): Promise<Dfdaemon> {
  const multiaddrs = { 'p2p.listen': config.p2p.listen, 'p2p.announce': config.p2p.announce }
  checkTrial(config.trial, { listen: { listen: config.listen }, multiaddrs })
  const clock = new ClusterClock(systemClock)
  const metrics = createMetrics(
    {
      ...DFDAEMON_METRICS,
      ...AUDIT_METRICS,
      ...INTERCEPT_METRICS,
      ...PEER_METRICS,
      ...STORE_METRICS,
      ...PROTECTION_METRICS,
    },
    { processMetrics: true },
  )
  const tlsFor = await configuredTls(config.upstreams)
  const loopGuard = createLoopGuard()
  const outbound = createOutboundPolicy(config.outbound, config)
  const registryFetcher = createUpstreamFetcher({ logger, clock }, { outbound, tlsFor, via: loopGuard.via })
  const registryOrigin = createHttpOrigin({ fetcher: registryFetcher })
  const credentials = createCredentialStore(
    { logger, clock },
    {
      accounts: configuredAccounts(config.upstreams),
      dockerConfigs: config.dockerConfigs.map(path => ({ path, required: true })),
    },
  )
  const access = new AccessCheck(
    { origin: registryOrigin, clock },
    {
      lifetimeMs: config.access.lifetimeSeconds * 1000,
      outage: config.access.outage,
      recentMs: config.access.recentSeconds * 1000,
    },
  )
  const mirrors = createMirrors({ logger, clock, credentials }, config.upstreams)
  const fetcher = createMirroredFetcher({ fetcher: registryFetcher, access, mirrors })
  const origin = createMirroredOrigin({ origin: registryOrigin, reader: registryOrigin, access, mirrors })
  const manifestStore = new ManifestStore({ clock, logger }, { dataDir: config.dataDir })
  const manifests = new ManifestSource(
    { store: manifestStore, fetcher, access, logger },
    { tags: config.tags, tagDeadlineMs: config.tagDeadlineMs },
  )
  const privateKey = peerKeyFromSeed(await loadOrCreateSeed(config.dataDir, 'peer'))
  const { api, cluster } = await findCluster(
    { clock, logger, account: { refused: () => metrics.refusedConnections.inc() } },
    {
      supernode: config.supernode,
      multiaddrs,
      dataDir: config.dataDir,
      howToJoin: `run "dfdaemon join ${config.supernode} --token TOKEN" with the same data directory (${config.dataDir}); "supernode token create --role node" makes the token`,
    },
  )

  const { protection, maxPeerConnections } = createProgramProtection({ clock, logger, metrics }, config)
  const limits = createPeerLimits({ clock, metrics }, config.limits)
  const buffers = new BlockBuffers()
  const hasher = createThreadHasher()
  const quota = quotaOf(config.store)
  const peer = createSwarmPeer(
    {
      node: await createLibp2pNode({
        privateKey,
        ...config.p2p,
        maxConnections: maxPeerConnections,
        clock,
        ...(cluster && { admission: cluster.admission }),
      }),
      store: new DiskBlockStore({ logger, clock, buffers, hasher }, { dataDir: config.dataDir, quota }),
      buffers,
      hasher,
      origin,
      supernode: api && createSupernodeClient(api),
      limits,
      kept: createKeptTasks({ dataDir: config.dataDir }),
      clock,
      logger,
      metrics,
    },
    { labels: nodeLabels(config.labels), fetches: true },
  )

  const pulls = new PullLog({ clock, logger })
  const tokens = new TokenStore({ clock }, { dataDir: config.dataDir, roles: ['viewer', 'operator'] })
  const http = await createHttpServer({
    listen: config.listen,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    logger,
    api: DFDAEMON_API,
    access: {
      sources: config.trial ? [trialSource] : [createTokenSource(tokens), socketSource],
      publicRoutes: PUBLIC_ROUTES,
      tokenCommand: 'dfdaemon token create',
      // The mirror reads under this daemon's accounts for whoever reaches it.
      refusesPages: true,
    },
    protection,
    errorBody: mirrorErrorBody,
  })
  const auditLog = new AuditLog({ clock, logger, metrics }, { program: 'dfdaemon', dataDir: config.dataDir })
  addAudit(http.app, { log: auditLog, clock, metrics })
  addHealthRoutes(http.app, 'dfdaemon', {
    contentType: metrics.contentType,
    async text() {
      metrics.downloads.set(peer.running())
      countStore(metrics, await peer.stored.space())
      protection.count()
      return metrics.text()
    },
  })
  addTaskRoute(http.app, peer)
  addNodeRoute(http.app, { peer, supernode: api?.url ?? '', config })
  addLimitsRoutes(http.app, { limits, schema: PeerLimitsConfig })
  addTokenRoutes(http.app, { tokens })
  addPullRoutes(http.app, pulls)
  addStoreRoutes(http.app, peer.stored)
  const account = {
    blobBytes: (bytes: number) => metrics.blobBytes.inc(bytes),
    request: (kind: string) => metrics.requests.inc({ kind }),
    failed: (code: string) => metrics.failures.inc({ code }),
  }
  const giving = { peer, access, pulls, account, checkedFirstBytes: config.checkedFirstBytes }
  addContentRoute(http.app, giving)
  addRegistryRoutes(http.app, { ...giving, fetcher, manifests, credentials, rules: config, loopGuard, logger })

  const interceptor = createInterceptor(
    {
      clock,
      logger,
      metrics,
      protection,
      answerContent: createAnswerContent(giving),
    },
    { config: config.intercept, dataDir: config.dataDir, outbound, tlsFor },
  )
  interceptor.attach(http.app.server)
  const sharedSocket = createLocalSocket(
    { app: http.app, logger, protection },
    { path: config.socket, role: 'local', without: 'dfget works without this dfdaemon' },
  )
  const operatorSocket = createLocalSocket(
    { app: http.app, logger, protection },
    { path: operatorSocketOf('dfdaemon', config), role: 'operator', without: 'its commands need a token' },
  )

  return {
    ...createLifecycle([
      credentials,
      mirrors,
      fetcher,
      manifestStore,
      ...(cluster ? [cluster] : []),
      peer,
      auditLog,
      tokens,
      http,
      sharedSocket,
      operatorSocket,
      interceptor,
    ]),
    url: http.url,
    peerId: peer.peerId,
  }
}
