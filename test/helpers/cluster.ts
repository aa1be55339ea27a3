import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { DfdaemonConfig } from '../../dfdaemon/config.ts'
import { createDfdaemon } from '../../dfdaemon/create-dfdaemon.ts'
import type { PeerTask } from '../../dfget/peer/peer.ts'
import { loadConfig } from '../../lib/config/load-config.ts'
import { silentLogger } from '../../lib/logger.ts'
import type { RegistryMockSettings } from '../../registry-mock/config.ts'
import { createRegistryMock, type RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { SupernodeConfig } from '../../supernode/config.ts'
import { createSupernode } from '../../supernode/create-supernode.ts'
import { type ChildProcess, type ProcessOptions, startProcess } from './process.ts'
import { programMain } from './program-main.ts'
import { createScratchDirectory } from './scratch-directory.ts'

/** A running supernode or dfdaemon. */
export interface TestProgram {
  readonly url: string
  readonly peerId: string
  readonly dataDir: string
  stop(): Promise<unknown>
}

/** A program with a process of its own, which can be killed. */
export interface TestProcess extends TestProgram {
  readonly process: ChildProcess
}

/** Settings of a program by dotted path, as flags give them. */
export type TestSettings = Readonly<Record<string, string>>

/** A registry with supernodes and dfdaemons in front of it; disposing of it stops and removes everything. */
export interface TestCluster extends AsyncDisposable {
  readonly registry: RegistryMock
  /** Starts a supernode in this process. Settings may repeat an earlier `dataDir`. `file` holds what only a file can say. */
  supernode(settings?: TestSettings, file?: object): Promise<TestProgram & { p2p(): string[] }>
  supernodeProcess(settings?: TestSettings, options?: ProcessOptions): Promise<TestProcess>
  /** Starts a dfdaemon in this process. The registry is its default upstream. `file` holds what only a file can say. */
  dfdaemon(settings?: TestSettings, file?: object): Promise<TestProgram>
  dfdaemons(count: number, settings?: TestSettings): Promise<TestProgram[]>
  dfdaemonProcess(settings?: TestSettings, options?: ProcessOptions): Promise<TestProcess>
}

const PROCESS_START_MS = 20_000

/** Starts a registry; the programs are started as a test needs them. @param forDaemons settings of all its dfdaemons */
export async function startCluster(
  settings: RegistryMockSettings = {},
  forDaemons: TestSettings = {},
): Promise<TestCluster> {
  const registry = createRegistryMock({ listen: '127.0.0.1:0', ...settings })
  await registry.start()
  const stack = new AsyncDisposableStack()
  stack.defer(() => registry.stop())
  const scratch = stack.use(await createScratchDirectory())
  let directories = 0

  function complete(program: 'supernode' | 'dfdaemon', given: TestSettings): TestSettings {
    const own: TestSettings =
      program === 'supernode'
        ? { 'http.listen': '127.0.0.1:0' }
        : { listen: '127.0.0.1:0', socket: '', defaultUpstream: registry.host, ...forDaemons }
    return {
      ...own,
      trial: 'true',
      dataDir: join(scratch.path, `${program}-${directories++}`),
      logLevel: 'silent',
      ...given,
    }
  }

  async function inProcess<
    Made extends { start(): Promise<void>; stop(): Promise<void>; url(): string; peerId: string },
  >(made: Made, dataDir: string): Promise<TestProgram & { made: Made }> {
    stack.defer(() => made.stop())
    await made.start()
    return { made, url: made.url(), peerId: made.peerId, dataDir, stop: () => made.stop() }
  }

  async function asProcess(
    program: 'supernode' | 'dfdaemon',
    given: TestSettings,
    options: ProcessOptions,
  ): Promise<TestProcess> {
    const flags = complete(program, given)
    const args = Object.entries(flags).flatMap(([path, value]) => [flagOf(path), value])
    const process = stack.use(await startProcess('node', [programMain(program), ...args], options))
    const line = await process.waitForLine('stdout', text => text.startsWith('{'), { timeoutMs: PROCESS_START_MS })
    const { http, peerId } = JSON.parse(line) as { http: string; peerId: string }
    return { url: http, peerId, dataDir: flags.dataDir ?? '', process, stop: () => process.stop() }
  }

  async function configFile(written: object): Promise<string> {
    const file = join(scratch.path, `config-${directories++}.yaml`)
    // JSON is YAML.
    await writeFile(file, JSON.stringify(written))
    return file
  }

  async function dfdaemon(given: TestSettings = {}, written: object = {}): Promise<TestProgram> {
    const flags = complete('dfdaemon', given)
    const config = loadConfig('dfdaemon', DfdaemonConfig, { flags, file: await configFile(written) })
    return inProcess(await createDfdaemon(config, silentLogger()), config.dataDir)
  }

  return {
    registry,
    async supernode(given = {}, written = {}) {
      const flags = complete('supernode', given)
      const config = loadConfig('supernode', SupernodeConfig, { flags, file: await configFile(written) })
      const program = await inProcess(await createSupernode(config, silentLogger()), config.dataDir)
      return { ...program, p2p: () => program.made.addresses() }
    },
    supernodeProcess: (given = {}, options = {}) => asProcess('supernode', given, options),
    dfdaemon,
    dfdaemons: (count, given = {}) => Promise.all(Array.from({ length: count }, () => dfdaemon(given))),
    dfdaemonProcess: (given = {}, options = {}) => asProcess('dfdaemon', given, options),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** The tasks of a dfdaemon. */
export async function tasksOf(node: { readonly url: string }): Promise<PeerTask[]> {
  const { body } = await request(`${node.url}/api/v1/tasks`)
  return (await body.json()) as PeerTask[]
}

/** The only task of a dfdaemon, as its API shows it. @throws Error when it has none or several */
export async function onlyTask(node: { readonly url: string }): Promise<PeerTask> {
  const [task, ...others] = (await (await request(`${node.url}/api/v1/tasks`)).body.json()) as PeerTask[]
  if (task === undefined || others.length > 0)
    throw new Error(`expected one task, found ${others.length + (task ? 1 : 0)}`)
  return task
}

function flagOf(path: string): string {
  return `--${path.replaceAll('.', '-').replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}
