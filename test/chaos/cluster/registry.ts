import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RequestEntry } from '../../../registry-mock/request-log.ts'
import type { ChildProcess } from '../../helpers/process.ts'
import type { PlannedImage } from '../plan/draw-load.ts'
import type { Hub } from './hub.ts'
import { type ProgramsInit, startRegistry } from './programs.ts'
import type { ChaosImage, RegistryOrder, RegistrySays } from './registry-words.ts'
import { type Crash, Unit } from './unit.ts'

/** The registry's own log forgets older ones, and then nobody knows what it sent. */
const MAX_REQUESTS = 10_000
/** It hashes its images before it listens. */
const START_TIMEOUT_MS = 60_000

/** What the registry of a run is made of. */
export interface ChaosRegistryInit {
  readonly programs: ProgramsInit
  readonly logDirectory: string
  readonly images: readonly PlannedImage[]
  /** Whether somebody may yet ask for an image. */
  readonly isWanted: (image: number) => boolean
  readonly crashed: (crash: Crash) => void
}

/** The registry, which is the origin of the run. Killed and started again it has the same images, as far as they are wanted. */
export class ChaosRegistry {
  readonly unit: Unit
  /** In the order of the plan; those that it has told. */
  readonly images: ChaosImage[] = []
  readonly #hub: Hub
  readonly #init: ChaosRegistryInit
  readonly #requests: RequestEntry[] = []
  #listening = Promise.withResolvers<void>()
  #reported = Promise.withResolvers<readonly RequestEntry[]>()

  constructor(hub: Hub, init: ChaosRegistryInit) {
    this.#hub = hub
    this.#init = init
    this.unit = new Unit({
      name: 'registry',
      start: life => this.#start(life),
      kill: child => this.#kill(child),
      crashed: init.crashed,
    })
    hub.on('registry', message => this.#hear(message as RegistrySays))
  }

  /** All requests of all its lives so far. @throws Error when there were too many to know them all */
  async requests(): Promise<RequestEntry[]> {
    this.#reported = Promise.withResolvers()
    this.#tell({ type: 'report' })
    return [...this.#requests, ...complete(await this.#reported.promise)]
  }

  async #start(life: number): Promise<ChildProcess> {
    const { programs, logDirectory, images, isWanted } = this.#init
    this.#listening = Promise.withResolvers()
    const child = await startRegistry(programs, join(logDirectory, `registry.${life}.log`))
    try {
      await this.#hub.untilConnected('registry', { timeoutMs: START_TIMEOUT_MS })
      const wanted = images
        .map((image, index) => ({ index, image }))
        .filter(({ index }) => life === 1 || isWanted(index))
      this.#tell({ type: 'images', images: wanted })
      this.#tell({ type: 'listen' })
      const ended = child.exited.then(() => Promise.reject(new Error('the registry ended before it listened')))
      await Promise.race([this.#listening.promise, ended])
      return child
    } catch (error) {
      await child.stop()
      throw error
    }
  }

  async #kill(child: ChildProcess): Promise<void> {
    const file = join(this.#init.logDirectory, `registry.${this.unit.life}.requests.json`)
    this.#tell({ type: 'die', file })
    await child.exited
    this.#requests.push(...complete(JSON.parse(await readFile(file, 'utf8')) as RequestEntry[]))
  }

  #hear(says: RegistrySays): void {
    if (says.type === 'image') this.images[says.index] = says.image
    if (says.type === 'listening') this.#listening.resolve()
    if (says.type === 'requests') this.#reported.resolve(says.requests)
  }

  #tell(order: RegistryOrder): void {
    this.#hub.send('registry', order)
  }
}

function complete(requests: readonly RequestEntry[]): readonly RequestEntry[] {
  if (requests.length >= MAX_REQUESTS) throw new Error('the registry has forgotten requests: the run is too long')
  return requests
}
