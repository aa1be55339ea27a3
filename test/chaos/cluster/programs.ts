import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { cleanEnvironment } from '../../clients/runtimes/runtime.ts'
import { HEAP_REPORTER } from '../../helpers/measured-process.ts'
import type { NetworkNode } from '../../helpers/netns.ts'
import { type ChildProcess, startProcess } from '../../helpers/process.ts'
import { fakeTimeEnvironment } from './fake-time.ts'

/** Everything about how the cluster's programs are started is here. */
const START_TIMEOUT_MS = 30_000
const REGISTRY_PORT = 5000
const SUPERNODE_PORT = 8002

/** Where a dfdaemon listens for the runtimes of its node. */
export const MIRROR_URL = 'http://127.0.0.1:65001'

/** What all programs are started with. */
export interface ProgramsInit {
  /** The folder of the built programs. */
  readonly built: string
  readonly hubPath: string
  readonly fakeTime: string
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
  return `http://${supernode.address}:${SUPERNODE_PORT}`
}

/** Starts the supernode, and waits until it is ready. */
export function startSupernode(init: ProgramsInit, place: Place): Promise<ChildProcess> {
  const { address } = place.node
  const listens = ['--http-listen', `${address}:${SUPERNODE_PORT}`, '--p2p-listen', `/ip4/${address}/tcp/9000`]
  return startBuilt('supernode', [...listens, '--data-dir', dataDirectory(place)], init, place)
}

/** Starts a dfdaemon that stands between its node's runtime and the registry in Docker Hub's place, and waits until it is ready. */
export async function startDfdaemon(init: ProgramsInit, place: Place): Promise<ChildProcess> {
  const configFile = `${place.logFile}.yaml`
  const settings = {
    listen: new URL(MIRROR_URL).host,
    socket: '',
    supernode: supernodeUrl(init),
    dataDir: dataDirectory(place),
    p2p: { listen: [`/ip4/${place.node.address}/tcp/9100`] },
    defaultUpstream: 'docker.io',
    upstreams: { 'docker.io': { url: registryUrl(init) } },
  }
  await writeFile(configFile, stringify(settings))
  return startBuilt('dfdaemon', ['--config', configFile], init, place)
}

/** Starts the registry's process, which waits for orders. */
export function startRegistry({ hubPath, registry }: ProgramsInit, logFile: string): Promise<ChildProcess> {
  return startOwn('../cluster/registry-main.ts', [hubPath, `${registry.address}:${REGISTRY_PORT}`], registry, logFile)
}

/** Starts the runtime of a node, which waits for orders. */
export function startClient(init: ProgramsInit, name: string, node: NetworkNode, log: string): Promise<ChildProcess> {
  return startOwn('../load/client-main.ts', [init.hubPath, name, MIRROR_URL, registryUrl(init)], node, log)
}

/** Starts a bad peer, which waits for orders. */
export function startBadPeer(init: ProgramsInit, name: string, node: NetworkNode, log: string): Promise<ChildProcess> {
  return startOwn('../peers/bad-peer-main.ts', [init.hubPath, name, node.address, supernodeUrl(init)], node, log)
}

/** The data directory of a program. */
export function dataDirectory({ disk }: Pick<Place, 'disk'>): string {
  return join(disk, 'data')
}

async function startBuilt(
  name: 'supernode' | 'dfdaemon',
  args: readonly string[],
  { built, fakeTime }: ProgramsInit,
  { node, disk, skewFile, logFile }: Place,
): Promise<ChildProcess> {
  const environment = { ...fakeTimeEnvironment(fakeTime, skewFile), NODE_OPTIONS: `--import=${HEAP_REPORTER}` }
  const child = await startProcess(process.execPath, [join(built, name, 'main.js'), ...args], {
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
