import { createPeer } from '../dfget/peer/create-peer.ts'
import { PEER_METRICS } from '../dfget/peer/metrics.ts'
import { DiskBlockStore } from '../lib/blocks/disk-block-store.ts'
import { systemClock } from '../lib/clock.ts'
import { addHealthRoutes, createHttpServer } from '../lib/http/api-server.ts'
import { createLifecycle, type Startable } from '../lib/lifecycle.ts'
import type { Logger } from '../lib/logger.ts'
import { createMetrics } from '../lib/metrics.ts'
import { AccessCheck } from '../lib/origin/access.ts'
import { createCredentialStore } from '../lib/origin/credentials/create-credential-store.ts'
import { createUpstreamFetcher } from '../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../lib/origin/http-origin.ts'
import { loadOrCreateSeed, peerKeyFromSeed } from '../lib/p2p/identity.ts'
import { createLibp2pNode } from '../lib/p2p/libp2p-node.ts'
import { createSupernodeClient } from '../supernode/client/supernode-client.ts'
import type { DfdaemonConfig } from './config.ts'
import { createAnswerContent } from './intercept/answer-content.ts'
import { createInterceptor } from './intercept/create-interceptor.ts'
import { INTERCEPT_METRICS } from './intercept/metrics.ts'
import { ManifestSource } from './manifests/manifest-source.ts'
import { ManifestStore } from './manifests/manifest-store.ts'
import { DFDAEMON_METRICS } from './metrics.ts'
import { mirrorErrorBody } from './proxy/oci-failure.ts'
import { addRegistryRoutes } from './proxy/registry-routes.ts'
import { configuredAccounts, configuredTls } from './upstream-settings.ts'

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
  const clock = systemClock
  const metrics = createMetrics(
    { ...DFDAEMON_METRICS, ...INTERCEPT_METRICS, ...PEER_METRICS },
    { processMetrics: true },
  )
  const tlsFor = await configuredTls(config.upstreams)
  const fetcher = createUpstreamFetcher({ logger, clock }, { tlsFor })
  const origin = createHttpOrigin({ logger, fetcher })
  const credentials = createCredentialStore(
    { logger, clock },
    {
      accounts: configuredAccounts(config.upstreams),
      dockerConfigs: config.dockerConfigs.map(path => ({ path, required: true })),
    },
  )
  const access = new AccessCheck(
    { origin, clock },
    {
      lifetimeMs: config.access.lifetimeSeconds * 1000,
      outage: config.access.outage,
      recentMs: config.access.recentSeconds * 1000,
    },
  )
  const manifestStore = new ManifestStore({ clock }, { dataDir: config.dataDir })
  const manifests = new ManifestSource(
    { store: manifestStore, fetcher, access, logger },
    { tags: config.tags, tagDeadlineMs: config.tagDeadlineMs },
  )
  const privateKey = await peerKeyFromSeed(await loadOrCreateSeed(config.dataDir, 'peer'))

  const peer = createPeer(
    {
      node: await createLibp2pNode({ privateKey, listen: config.p2p.listen, announce: config.p2p.announce }),
      store: new DiskBlockStore({ logger, clock }, { dataDir: config.dataDir }),
      origin,
      supernode: config.supernode === '' ? undefined : createSupernodeClient(config.supernode),
      clock,
      logger,
      metrics,
    },
    { labels: config.labels },
  )

  const http = createHttpServer({
    listen: config.listen,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    logger,
    errorBody: mirrorErrorBody,
  })
  addHealthRoutes(http.app, 'dfdaemon', {
    contentType: metrics.contentType,
    text() {
      metrics.downloads.set(peer.running())
      return metrics.text()
    },
  })
  http.app.get('/api/v1/tasks', () => peer.tasks())
  addRegistryRoutes(http.app, {
    peer,
    fetcher,
    manifests,
    access,
    credentials,
    rules: config,
    logger,
    account: {
      blobBytes: bytes => metrics.blobBytes.inc(bytes),
      request: kind => metrics.requests.inc({ kind }),
      failed: code => metrics.failures.inc({ code }),
    },
  })

  const interceptor = createInterceptor(
    {
      clock,
      logger,
      metrics,
      answerContent: createAnswerContent({ peer, access, account: bytes => metrics.blobBytes.inc(bytes) }),
    },
    { config: config.intercept, dataDir: config.dataDir, tlsFor },
  )
  interceptor.attach(http.app.server)

  return {
    ...createLifecycle([credentials, fetcher, manifestStore, peer, http, interceptor]),
    url: http.url,
    peerId: peer.peerId,
  }
}
