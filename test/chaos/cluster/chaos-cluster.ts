import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChildProcess } from '../../helpers/process.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import type { MachineName } from '../plan/fault.ts'
import type { ChaosPlan } from '../plan/plan.ts'
import { type Hub, openHub } from './hub.ts'
import { BAD_PEERS, createMachines, type Machines } from './machines.ts'
import { type ProgramsInit, startBadPeer, startClient, startDfdaemon, startSupernode } from './programs.ts'
import { ChaosRegistry } from './registry.ts'
import { type Crash, Unit } from './unit.ts'

/** A running cluster: a registry, a supernode, a dfdaemon and a runtime on each node, and places for bad peers. */
export interface ChaosCluster extends AsyncDisposable {
  readonly machines: Machines
  readonly hub: Hub
  readonly registry: ChaosRegistry
  /** Programs that ended and were not told to. */
  readonly crashes: readonly Crash[]
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
  const nodeOf = (name: MachineName) => machines.named(name).node
  const programs: ProgramsInit = {
    built,
    fakeTime,
    hubPath: hub.path,
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

  const unit = (name: string) => {
    const found = units.get(name)
    if (found === undefined) throw new Error(`there is no program ${name}`)
    return found
  }
  await Promise.all([registry.unit.start(), unit('supernode').start()])
  for (const name of plan.nodes) {
    signal.throwIfAborted()
    await Promise.all([unit(name).start(), unit(clientOf(name)).start()])
    await hub.untilConnected(clientOf(name), { timeoutMs: CONNECT_TIMEOUT_MS })
  }
  const started = starting.move()
  return {
    machines,
    hub,
    registry,
    crashes,
    longLived: ['supernode', ...plan.nodes].map(unit),
    unit,
    logFile: ({ name, life }) => logFileOf(name, life),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
