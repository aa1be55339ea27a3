import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { cleanEnvironment } from '../../clients/runtimes/runtime.ts'
import { HEAP_REPORTER } from '../../helpers/measured-process.ts'
import type { NetworkNode } from '../../helpers/netns.ts'
import { type ChildProcess, run, startProcess } from '../../helpers/process.ts'
import type { MachineName } from '../plan/fault.ts'
import { fakeTimeEnvironment } from './fake-time.ts'

/** Everything about how the cluster's programs are started is here. */
const START_TIMEOUT_MS = 30_000
const JOIN_TIMEOUT_MS = 60_000
const REGISTRY_PORT = 5000
const SUPERNODE_PORT = 8002
/** What runtimes call the registry. Its address is a private one, which only who names it may be asked to read. */
const REGISTRY_NAME = 'docker.io'
/** The least there is: each node renews its credential several times in a run. */
const CREDENTIAL_MINUTES = 1

/** Where a dfdaemon listens for the runtimes of its node. */
export const MIRROR_URL = 'http://127.0.0.1:65001'

/** What all programs are started with. */
export interface ProgramsInit {
  /** The folder of the built programs. */
  readonly built: string
  readonly hubPath: string
  readonly fakeTime: string
  /** Holds the token by which nodes and bad peers join; it is there before the first of them. */
  readonly tokenFile: string
  readonly registry: NetworkNode
  readonly supernode: NetworkNode
}

/** Where one program runs. */
export interface Place {
  readonly node: NetworkNode
  /** A file system of its own. */
  readonly disk: string
  /** By which its wall clock goes. */
  readonly skewFile: string
  /** Where its log goes. */
  readonly logFile: string
}

/** The URL under which nodes reach the registry. */
export function registryUrl({ registry }: Pick<ProgramsInit, 'registry'>): string {
  return `http://${registry.address}:${REGISTRY_PORT}`
}

/** The URL under which nodes reach the supernode. */
export function supernodeUrl({ supernode }: Pick<ProgramsInit, 'supernode'>): string {
  return `https://${supernode.address}:${SUPERNODE_PORT}`
}

/** Where a machine takes connections from peers, as a multiaddr. */
export function peerAddressOf(name: MachineName, { address }: NetworkNode): string {
  return `/ip4/${address}/tcp/${name === 'supernode' ? 9000 : 9100}`
}

/** Starts the supernode, and waits until it is ready. */
export async function startSupernode(init: ProgramsInit, place: Place): Promise<ChildProcess> {
  const { address } = place.node
  return startBuilt(
    'supernode',
    {
      http: { listen: `${address}:${SUPERNODE_PORT}` },
      p2p: { listen: [peerAddressOf('supernode', place.node)] },
      dataDir: dataDirectory(place),
      membership: { lifetimeMinutes: CREDENTIAL_MINUTES },
      upstreams: { [REGISTRY_NAME]: { url: registryUrl(init) } },
    },
    init,
    place,
  )
}

/** Makes a node a member of the cluster. What it has joined is in its data directory, and so survives its deaths. */
export async function joinNode(init: ProgramsInit, place: Pick<Place, 'node' | 'disk'>): Promise<void> {
  const { node, disk } = place
  const join = ['join', supernodeUrl(init), '--token-file', init.tokenFile]
  await run(process.execPath, [mainOf('dfdaemon', init), '--data-dir', dataDirectory(place), ...join], {
    namespace: node.namespace,
    env: cleanEnvironment(disk),
    timeoutMs: JOIN_TIMEOUT_MS,
  })
}

/** Starts a dfdaemon that stands between its node's runtime and the registry in Docker Hub's place, and waits until it is ready. */
export async function startDfdaemon(init: ProgramsInit, place: Place): Promise<ChildProcess> {
  return startBuilt(
    'dfdaemon',
    {
      listen: new URL(MIRROR_URL).host,
      socket: '',
      dataDir: dataDirectory(place),
      p2p: { listen: [peerAddressOf('node', place.node)] },
      defaultUpstream: REGISTRY_NAME,
      upstreams: { [REGISTRY_NAME]: { url: registryUrl(init) } },
    },
    init,
    place,
  )
}

/** Starts the registry's process, which waits for orders. */
export function startRegistry({ hubPath, registry }: ProgramsInit, logFile: string): Promise<ChildProcess> {
  return startOwn('../cluster/registry-main.ts', [hubPath, `${registry.address}:${REGISTRY_PORT}`], registry, logFile)
}

/** Starts the runtime of a node, which waits for orders. */
export function startClient(init: ProgramsInit, name: string, node: NetworkNode, log: string): Promise<ChildProcess> {
  return startOwn('../load/client-main.ts', [init.hubPath, name, MIRROR_URL, registryUrl(init)], node, log)
}

/** Starts a bad peer, which joins the cluster and then waits for orders. */
export function startBadPeer(init: ProgramsInit, name: string, node: NetworkNode, log: string): Promise<ChildProcess> {
  const args = [init.hubPath, name, node.address, supernodeUrl(init), init.tokenFile]
  return startOwn('../peers/bad-peer-main.ts', args, node, log)
}

/** Starts a stranger, who is told whom to dial. */
export function startStranger(init: ProgramsInit, name: string, node: NetworkNode, log: string): Promise<ChildProcess> {
  return startOwn('../peers/stranger-main.ts', [init.hubPath, name, supernodeUrl(init)], node, log)
}

/** The data directory of a program. */
export function dataDirectory({ disk }: Pick<Place, 'disk'>): string {
  return join(disk, 'data')
}

function mainOf(name: 'supernode' | 'dfdaemon', { built }: ProgramsInit): string {
  return join(built, name, 'main.js')
}

async function startBuilt(
  name: 'supernode' | 'dfdaemon',
  settings: object,
  init: ProgramsInit,
  { node, disk, skewFile, logFile }: Place,
): Promise<ChildProcess> {
  const configFile = `${logFile}.yaml`
  await writeFile(configFile, stringify(settings))
  const environment = { ...fakeTimeEnvironment(init.fakeTime, skewFile), NODE_OPTIONS: `--import=${HEAP_REPORTER}` }
  const child = await startProcess(process.execPath, [mainOf(name, init), '--config', configFile], {
    namespace: node.namespace,
    env: { ...cleanEnvironment(disk), ...environment },
    stderrFile: logFile,
  })
  try {
    await child.waitForLine('stdout', line => line.startsWith('{'), { timeoutMs: START_TIMEOUT_MS })
    return child
  } catch (error) {
    await child.stop()
    throw error
  }
}

function startOwn(main: string, args: readonly string[], node: NetworkNode, log: string): Promise<ChildProcess> {
  const file = fileURLToPath(new URL(main, import.meta.url))
  return startProcess(process.execPath, [file, ...args], { namespace: node.namespace, stderrFile: log })
}
