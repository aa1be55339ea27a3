import { fileURLToPath } from 'node:url'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { PEER_METRICS } from '../../dfget/peer/metrics.ts'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import { DaemonTasks } from '../../protocol/messages/daemon-api.ts'
import { SizeField } from '../../protocol/messages/fields.ts'
import { SUPERNODE_METRICS } from '../../supernode/metrics.ts'
import type { Program } from '../../test/clients/programs.ts'
import { ownersApi } from '../../test/helpers/join.ts'
import type { NetworkNode } from '../../test/helpers/netns.ts'
import { run } from '../../test/helpers/process.ts'
import { counterValue } from '../../trial/counter-value.ts'

const GET = fileURLToPath(new URL('get.ts', import.meta.url))
const CPU_SECONDS = 'process_cpu_seconds_total'

/** What a supernode has counted so far. */
export interface SupernodeCounters {
  readonly uploadedBytes: number
  /** Received and sent. */
  readonly controlMessages: number
  readonly schedulerMs: number
  readonly cpuSeconds: number
}

/** What a node has counted so far. */
export interface NodeCounters {
  /** Content bytes by where they came from, each block once. */
  readonly peerBytes: number
  readonly supernodeBytes: number
  readonly originBytes: number
  /** Block bytes sent to other nodes. */
  readonly uploadedBytes: number
  readonly cpuSeconds: number
  /** All bytes that came over its link. The kernel counts one set of headers for many frames that it takes in one piece. */
  readonly linkBytes: number
}

/** What has been counted everywhere so far. */
export interface Counters {
  /** Blob bytes that the registry sent. */
  readonly registryBytes: number
  readonly supernode: SupernodeCounters
  readonly nodes: readonly NodeCounters[]
  /** Why nodes read from the registry themselves, each reason once. */
  readonly originReasons: readonly string[]
}

/** What was counted between two readings of the same programs. */
export function countedSince(before: Counters, after: Counters): Counters {
  return {
    registryBytes: after.registryBytes - before.registryBytes,
    supernode: difference(before.supernode, after.supernode),
    nodes: after.nodes.map((node, index) => difference(before.nodes[index], node)),
    originReasons: after.originReasons,
  }
}

/** Where everything is counted. */
export interface CountedSwarm {
  readonly registry: CountedRegistry
  readonly supernode: Program
  readonly daemons: readonly CountedDaemon[]
}

/** Reads all counters of a swarm and of its registry. @throws Error when one does not answer */
export async function readCounters({ registry, supernode, daemons }: CountedSwarm): Promise<Counters> {
  const nodes = await Promise.all(daemons.map(readNode))
  return {
    registryBytes: await readRegistry(registry),
    supernode: await readSupernode(supernode),
    nodes: nodes.map(({ counters }) => counters),
    originReasons: [...new Set(nodes.flatMap(({ reasons }) => reasons))],
  }
}

/** A registry, and a machine that reaches it. */
export interface CountedRegistry {
  readonly node: NetworkNode
  readonly url: string
}

/** A dfdaemon and its machine. */
export interface CountedDaemon {
  readonly node: NetworkNode
  readonly program: Program
}

async function readSupernode(supernode: Program): Promise<SupernodeCounters> {
  const page = await askProgram(supernode, '/metrics')
  const { uploadedBytes, controlMessages, schedulerSeconds } = SUPERNODE_METRICS
  const messages = ['received', 'sent'].map(way => counterValue(page, `${controlMessages.name}{direction="${way}"}`))
  return {
    uploadedBytes: counterValue(page, uploadedBytes.name),
    controlMessages: sum(messages),
    schedulerMs: counterValue(page, schedulerSeconds.name) * 1000,
    cpuSeconds: counterValue(page, CPU_SECONDS),
  }
}

async function readNode({ node, program }: CountedDaemon): Promise<{ counters: NodeCounters; reasons: string[] }> {
  const page = await askProgram(program, '/metrics')
  const text = await askProgram(program, '/api/v1/tasks')
  const accounts = Value.Parse(DaemonTasks, JSON.parse(text)).map(task => task.account)
  const counters = {
    peerBytes: sum(accounts.map(account => account.peerBytes)),
    supernodeBytes: sum(accounts.map(account => account.supernodeBytes)),
    originBytes: sum(accounts.map(account => account.originBytes)),
    uploadedBytes: counterValue(page, PEER_METRICS.uploadedBytes.name),
    cpuSeconds: counterValue(page, CPU_SECONDS),
    linkBytes: await readLinkBytes(node),
  }
  return { counters, reasons: accounts.flatMap(account => account.originReasons.map(({ why }) => why)) }
}

async function readRegistry({ node, url }: CountedRegistry): Promise<number> {
  const { stdout } = await run(process.execPath, [GET, `${url}/_stats`], node)
  const [text] = Value.Parse(Type.Tuple([Type.String()]), JSON.parse(stdout))
  return Value.Parse(Type.Object({ totalBlobBytes: SizeField }), JSON.parse(text)).totalBlobBytes
}

const LinkStatistics = Type.Tuple([Type.Object({ stats64: Type.Object({ rx: Type.Object({ bytes: SizeField }) }) })])

async function readLinkBytes({ namespace }: NetworkNode): Promise<number> {
  const { stdout } = await run('ip', ['-n', namespace, '-s', '-j', 'link', 'show', 'dev', 'eth0'])
  const [link] = Value.Parse(LinkStatistics, JSON.parse(stdout))
  return link.stats64.rx.bytes
}

/** Asks a program by its owner's socket, which is reached from every network. */
async function askProgram({ name, dataDirectory }: Program, path: string): Promise<string> {
  const { statusCode, body } = await requestApi(ownersApi(name, dataDirectory), path)
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`${name} answered ${path} with status ${statusCode}: ${text}`)
  return text
}

function difference<Counts extends Readonly<Record<keyof Counts, number>>>(
  before: Counts | undefined,
  after: Counts,
): Counts {
  const keys = Object.keys(after) as (keyof Counts)[]
  return Object.fromEntries(keys.map(key => [key, after[key] - (before?.[key] ?? 0)])) as Counts
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
