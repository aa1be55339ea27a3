import { setTimeout as wait } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { BlockBuffers } from '../../lib/blocks/block-buffers.ts'
import type { BlockStore } from '../../lib/blocks/block-store.ts'
import type { ClusterClock } from '../../lib/cluster-clock.ts'
import { serveBlocks } from '../../lib/exchange/block-server.ts'
import type { Hasher } from '../../lib/hashing/hasher.ts'
import { createLifecycle, type Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import type { MetricsOf } from '../../lib/metrics.ts'
import { createNoOrigin, originByScheme } from '../../lib/origin/by-scheme.ts'
import type { Origin } from '../../lib/origin/origin.ts'
import type { P2pNode } from '../../lib/p2p/p2p-node.ts'
import type { PeerToSupernode } from '../../protocol/messages/control.ts'
import type { Labels, PeerAddress } from '../../protocol/messages/fields.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { SupernodeClient } from '../../supernode/client/supernode-client.ts'
import { Fetches } from './background/fetches.ts'
import { BlockClient } from './exchange/block-client.ts'
import type { PeerLimits } from './exchange/peer-limits.ts'
import { ForbiddenTasks } from './forbidden-tasks.ts'
import { Holdings } from './holdings.ts'
import type { PEER_METRICS } from './metrics.ts'
import type { Peer } from './peer.ts'
import { createPermittedOrigin } from './permitted-origin.ts'
import type { KeptTasks } from './replicas/kept-tasks.ts'
import { Replicas } from './replicas/replicas.ts'
import { StoredContent } from './stored-content.ts'
import { InventoryLinks } from './swarm/inventory-links.ts'
import { SupernodeLink, type SupernodeListener } from './swarm/supernode-link.ts'
import { RequestPump } from './task/request-pump.ts'
import { TaskSession } from './task/task-session.ts'
import { Tasks } from './tasks.ts'

export interface PeerComponents {
  readonly node: P2pNode
  readonly store: BlockStore
  /** Memory for blocks, the same as the store's. */
  readonly buffers: BlockBuffers
  readonly hasher: Hasher
  readonly origin: Origin
  /** Undefined for a peer without a supernode, which reads every content from its origin. */
  readonly supernode: SupernodeClient | undefined
  readonly limits: PeerLimits
  /** What it keeps because the supernode asks for it; a peer without this keeps nothing. */
  readonly kept?: KeptTasks
  readonly clock: ClusterClock
  readonly logger: Logger
  readonly metrics: MetricsOf<typeof PEER_METRICS>
}

/** What a peer is for. */
export interface PeerInit {
  readonly labels?: Labels
  /** Whether it is there for long, and fetches content that nobody here waits for when the supernode says so. */
  readonly fetches?: boolean
}

/** Block streams to other peers that are kept open. */
const MAX_BLOCK_CLIENTS = 512

/** Puts a peer together. It starts and stops its node, its hasher and its store. */
export function createSwarmPeer(components: PeerComponents, init: PeerInit = {}): Peer {
  const { node, store, buffers, hasher, supernode, limits, kept, clock, logger, metrics } = components
  const { labels = {}, fetches: isFetching = false } = init
  const forbidden = new ForbiddenTasks()
  const resume = {
    origin: createPermittedOrigin(originByScheme({ swarm: createNoOrigin(), others: components.origin }), forbidden),
    logger,
    account: (bytes: number) => metrics.originBytes.inc(bytes),
    gateOf: (task: TaskId) => limits.downloads.gate(() => task),
    wait: (delayMs: number, signal: AbortSignal) => wait(delayMs, undefined, { signal }),
  }
  const account = {
    sent: (_task: string, _peer: string, bytes: number) => metrics.uploadedBytes.inc(bytes),
    refused: (reason: string) => metrics.refusals.inc({ reason }),
    invalidMessage: (code: string) => metrics.invalidMessages.inc({ code }),
  }
  const clients = new LRUCache<string, BlockClient>({ max: MAX_BLOCK_CLIENTS, dispose: client => client.close() })
  const clientOf = (peer: PeerAddress): BlockClient => {
    const client = clients.get(peer.id) ?? new BlockClient({ node, clock, buffers, limits: limits.downloads }, peer)
    clients.set(peer.id, client, { noDisposeOnSet: true })
    return client
  }

  const holdings = new Holdings({ store, clock })
  const pump = new RequestPump(clock)
  const { backgroundTasks } = limits.downloads
  const sessions = { pump, backgroundTasks, store, buffers, hasher, resume, clientOf, clock, logger }
  const tasks: Tasks = new Tasks({
    store,
    holdings,
    forbidden,
    hasher,
    resume,
    createSession: init => new TaskSession({ ...sessions, supernode: link, links }, init),
    pump,
    offer: (task, have) => link.send({ type: 'offer', task, have: have.toBytes() }),
    withdraw(task) {
      links.leave(task)
      link.send({ type: 'leave', task })
    },
    clock,
    logger,
  })
  function forbid(blocked: readonly TaskId[]): void {
    forbidden.forbid(blocked)
    for (const task of blocked) {
      tasks.forbidden(task)
      stored.remove(task).catch(error => logger.warn({ task, error }, 'blocked content not deleted'))
    }
  }
  const listener: SupernodeListener = {
    message(message) {
      if (message.type === 'keep' || message.type === 'release') replicas?.receive(message)
      else if (message.type === 'fetch' || message.type === 'stop-fetch') fetches?.receive(message)
      else if (message.type === 'forbid') forbid(message.tasks)
      else if (message.type === 'allow') forbidden.allow(message.tasks)
      else tasks.message(message)
    },
    linked() {
      tasks.linked()
      replicas?.linked()
      fetches?.linked()
    },
    unlinked: () => tasks.unlinked(),
  }
  const link: SupernodeLink = new SupernodeLink(
    { client: supernode, node, clock, logger, listener },
    { labels, keeps: kept !== undefined, fetches: isFetching },
  )
  const ticketVerifier = () => link.ticketVerifier
  const links = new InventoryLinks({
    node,
    clock,
    logger,
    listener: tasks,
    ticketVerifier,
    ownInventory: task => tasks.ownInventory(task),
    account,
  })
  store.onRemoved(task => {
    tasks.removed(task)
    replicas?.removed(task)
  })
  const stored = new StoredContent({
    store,
    holdings,
    lost(task, blocks) {
      links.tell(task, 'lost', blocks)
      link.send({ type: 'lost', task, blocks })
    },
  })
  const send = (message: PeerToSupernode) => link.send(message)
  const replicas: Replicas | undefined =
    kept && new Replicas({ kept, tasks, store, remove: task => stored.remove(task), send, logger })
  const fetches = isFetching ? new Fetches({ tasks, store, forbidden, send, logger }) : undefined
  const blockStreams: Startable = {
    start: () =>
      serveBlocks({ node, source: holdings, limits: limits.uploads, ticketVerifier, clock, logger, account }),
    async stop() {
      clients.clear()
    },
  }

  return {
    ...createLifecycle([
      hasher,
      store,
      holdings,
      links,
      blockStreams,
      node,
      tasks,
      ...(replicas ? [replicas] : []),
      ...(fetches ? [fetches] : []),
      link,
    ]),
    peerId: node.peerId,
    addresses: () => node.addresses(),
    open: (source, options) => tasks.open(source, options),
    openDirect: (source, options) => tasks.openDirect(source, options),
    makeWay: () => tasks.makeWay(),
    storedSize: digest => tasks.storedSize(digest),
    tasks: () => tasks.list(),
    running: () => tasks.running,
    stored,
  }
}
