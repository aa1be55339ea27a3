import { join } from 'node:path'
import { createTestNetwork, type NetworkNode, type TestNetwork } from '../../helpers/netns.ts'
import { createSmallDisk, type SmallDisk } from '../../helpers/small-disk.ts'
import type { MachineName } from '../plan/fault.ts'
import { setSkew } from './fake-time.ts'

const MIB = 1024 * 1024

/** Links of all machines, in both directions each. */
export const LINK_BITS_PER_SECOND = 100_000_000

/** File systems of the supernode and of each node, in memory: they hold the images of about two minutes. */
export const DISK_BYTES = 320 * MIB

/** Where bad peers come from when they come. */
export const BAD_PEERS = ['lying-peer', 'silent-peer'] as const

/** Where somebody is who has joined nothing. */
export const STRANGER = 'stranger'

/** A machine: a network namespace, perhaps with a disk and a clock of its own. */
export interface Machine {
  readonly name: MachineName
  readonly node: NetworkNode
}

/** A machine whose program keeps content. */
export interface KeepingMachine extends Machine {
  readonly disk: SmallDisk
  /** By which the wall clock of its program goes. */
  readonly skewFile: string
}

/** All machines of a run. */
export interface Machines extends AsyncDisposable {
  readonly network: TestNetwork
  /** @throws Error when there is none of this name */
  named(name: MachineName): Machine
  /** The supernode's, or that of a node. @throws Error when there is none of this name */
  keeping(name: MachineName): KeepingMachine
}

/** Makes the machines. Needs root. */
export async function createMachines(nodes: readonly MachineName[], directory: string): Promise<Machines> {
  await using starting = new AsyncDisposableStack()
  const network = starting.use(await createTestNetwork())
  const machines = new Map<MachineName, Machine>()
  const keeping = new Map<MachineName, KeepingMachine>()
  for (const name of ['registry', 'supernode', ...nodes, ...BAD_PEERS, STRANGER]) {
    machines.set(name, { name, node: await network.addNode({ rateBitsPerSecond: LINK_BITS_PER_SECOND }) })
  }
  for (const name of ['supernode', ...nodes]) {
    const skewFile = join(directory, `${name}.skew`)
    await setSkew(skewFile, 0)
    keeping.set(name, { ...find(machines, name), disk: starting.use(await createSmallDisk(DISK_BYTES)), skewFile })
  }
  const started = starting.move()
  return {
    network,
    named: name => find(machines, name),
    keeping: name => find(keeping, name),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function find<Value>(map: ReadonlyMap<string, Value>, name: string): Value {
  const found = map.get(name)
  if (found === undefined) throw new Error(`there is no machine ${name} of this kind`)
  return found
}
