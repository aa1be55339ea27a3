import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { loadOrCreateSeed, peerKeyFromSeed } from '../../../lib/p2p/identity.ts'
import { joinToken } from '../../helpers/join.ts'
import type { ChildProcess } from '../../helpers/process.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import type { Intrusion } from '../peers/stranger-words.ts'
import type { MachineName } from '../plan/fault.ts'
import type { ChaosPlan } from '../plan/plan.ts'
import { type Hub, openHub } from './hub.ts'
import { BAD_PEERS, createMachines, type Machines, STRANGER } from './machines.ts'
import {
  dataDirectory,
  joinNode,
  type ProgramsInit,
  startBadPeer,
  startClient,
  startDfdaemon,
  startStranger,
  startSupernode,
} from './programs.ts'
import { ChaosRegistry } from './registry.ts'
import { type Crash, Unit } from './unit.ts'

/** A running cluster: a registry, a supernode, a dfdaemon and a runtime on each node, and places for bad peers. */
export interface ChaosCluster extends AsyncDisposable {
  readonly machines: Machines
  readonly hub: Hub
  readonly registry: ChaosRegistry
  /** Programs that ended and were not told to. */
  readonly crashes: readonly Crash[]
  /** What a stranger got, times in milliseconds since 1970. */
  readonly intrusions: readonly Intrusion[]
  /** PeerIds of the supernode and of each node. */
  readonly peerIds: ReadonlyMap<MachineName, string>
  /** Makes a node a member, which must not run meanwhile. @throws Error when the supernode does not let it in */
  join(node: MachineName): Promise<void>
  /** The supernode and the dfdaemons: what must not leak. */
  readonly longLived: readonly Unit[]
  /** The program on a machine: a dfdaemon on a node. @throws Error when there is none of this name */
  unit(name: MachineName): Unit
  /** The log of the present life of a program. */
  logFile(unit: Unit): string
}

/** What a cluster is told. */
export interface ChaosClusterInit {
  readonly plan: ChaosPlan
  /** The folder of the built programs. */
  readonly built: string
  readonly fakeTime: string
  readonly logDirectory: string
  /** Whether somebody may yet ask for an image. */
  readonly isWanted: (image: number) => boolean
}

const CONNECT_TIMEOUT_MS = 30_000

/** The name of the runtime on a node. */
export function clientOf(node: MachineName): string {
  return `client of ${node}`
}

/** Starts everything but the bad peers, which come when the plan says so. @throws the signal's reason */
export async function startCluster(
  { plan, built, fakeTime, logDirectory, isWanted }: ChaosClusterInit,
  { signal }: { signal: AbortSignal },
): Promise<ChaosCluster> {
  await using starting = new AsyncDisposableStack()
  await mkdir(logDirectory, { recursive: true })
  const scratch = starting.use(await createScratchDirectory())
  const machines = starting.use(await createMachines(plan.nodes, scratch.path))
  const hub = starting.use(await openHub(join(scratch.path, 'hub.sock')))
  const crashes: Crash[] = []
  const crashed = (crash: Crash) => void crashes.push(crash)
  const intrusions: Intrusion[] = []
  hub.on(STRANGER, message => void intrusions.push(message as Intrusion))
  const nodeOf = (name: MachineName) => machines.named(name).node
  const programs: ProgramsInit = {
    built,
    fakeTime,
    hubPath: hub.path,
    tokenFile: join(scratch.path, 'join.token'),
    registry: nodeOf('registry'),
    supernode: nodeOf('supernode'),
  }
  const units = new Map<string, Unit>()
  starting.defer(async () => {
    await Promise.all([...units.values()].map(unit => unit[Symbol.asyncDispose]()))
  })

  const logFileOf = (name: string, life: number) => join(logDirectory, `${name.replaceAll(' ', '-')}.${life}.log`)
  const addUnit = (name: string, start: (logFile: string) => Promise<ChildProcess>) =>
    void units.set(name, new Unit({ name, crashed, start: life => start(logFileOf(name, life)) }))
  const placeOf = (name: MachineName, logFile: string) => {
    const { node, disk, skewFile } = machines.keeping(name)
    return { node, disk: disk.path, skewFile, logFile }
  }

  const images = plan.load.images
  const registry = new ChaosRegistry(hub, { programs, logDirectory, images, isWanted, crashed })
  units.set('registry', registry.unit)
  addUnit('supernode', log => startSupernode(programs, placeOf('supernode', log)))
  for (const name of plan.nodes) {
    addUnit(name, log => startDfdaemon(programs, placeOf(name, log)))
    addUnit(clientOf(name), log => startClient(programs, clientOf(name), nodeOf(name), log))
  }
  for (const name of BAD_PEERS) addUnit(name, log => startBadPeer(programs, name, nodeOf(name), log))
  addUnit(STRANGER, log => startStranger(programs, STRANGER, nodeOf(STRANGER), log))

  const unit = (name: string) => {
    const found = units.get(name)
    if (found === undefined) throw new Error(`there is no program ${name}`)
    return found
  }
  const diskOf = (name: MachineName) => machines.keeping(name).disk.path
  const joinAs = (name: MachineName) => joinNode(programs, { node: nodeOf(name), disk: diskOf(name) })
  await Promise.all([registry.unit.start(), unit('supernode').start()])
  await writeFile(programs.tokenFile, await joinToken({ dataDir: dataDirectory({ disk: diskOf('supernode') }) }))
  for (const name of plan.nodes) {
    signal.throwIfAborted()
    await joinAs(name)
    await Promise.all([unit(name).start(), unit(clientOf(name)).start()])
    await hub.untilConnected(clientOf(name), { timeoutMs: CONNECT_TIMEOUT_MS })
  }
  const peerIds = new Map<MachineName, string>()
  for (const name of ['supernode', ...plan.nodes]) peerIds.set(name, await peerIdOf(diskOf(name)))
  const started = starting.move()
  return {
    machines,
    hub,
    registry,
    crashes,
    intrusions,
    peerIds,
    join: joinAs,
    longLived: ['supernode', ...plan.nodes].map(unit),
    unit,
    logFile: ({ name, life }) => logFileOf(name, life),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** The PeerId of the program that keeps its data on a disk. */
async function peerIdOf(disk: string): Promise<string> {
  const seed = await loadOrCreateSeed(dataDirectory({ disk }), 'peer')
  return peerIdFromPrivateKey(peerKeyFromSeed(seed)).toString()
}
