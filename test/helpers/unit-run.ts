import { chmod, chown, mkdir, realpath, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ChildProcess } from './process.ts'
import { startProcess } from './process.ts'
import { programMain } from './program-main.ts'
import { createScratchDirectory } from './scratch-directory.ts'
import { movedExecStart, type UnitPlaces, type UnitProgram } from './systemd-unit.ts'

/** Debian's `nobody`. */
export const NOBODY = 65_534

const START_MS = 20_000

/** A program that was started as its unit says. */
export interface UnitProcess {
  readonly url: string
  readonly process: ChildProcess
}

/** Where programs run as their units say, but for the places. Disposing of it stops them and removes everything. */
export interface UnitRuns extends AsyncDisposable {
  readonly places: UnitPlaces
  /**
   * Starts a program with settings as its file has them, and waits until it says where it is.
   * @param nodeOptions more options of Node, before those of the unit
   */
  start(program: UnitProgram, settings: object, nodeOptions?: readonly string[]): Promise<UnitProcess>
  /** Starts it without waiting, for a program that is to fail. */
  launch(program: UnitProgram, settings: object, nodeOptions?: readonly string[]): Promise<ChildProcess>
}

/** @param as `nobody` runs the programs as systemd does, without root, groups and new privileges; only root can do that */
export async function createUnitRuns(as: 'self' | 'nobody'): Promise<UnitRuns> {
  const stack = new AsyncDisposableStack()
  const scratch = stack.use(await createScratchDirectory())
  await chmod(scratch.path, 0o755)
  const places = {
    program: dirname(dirname(dirname(programMain('supernode')))),
    state: join(scratch.path, 'state'),
    runtime: join(scratch.path, 'run'),
    settings: join(scratch.path, 'etc'),
  }
  if (as === 'nobody') await chmod(places.program, 0o755)
  // In a test it is a link out of the program's folder.
  const modules = await realpath(join(places.program, 'node_modules'))
  for (const directory of [places.state, places.runtime, places.settings]) await mkdir(directory)

  async function launch(program: UnitProgram, settings: object, nodeOptions: readonly string[] = []) {
    const own = join(places.state, program)
    await mkdir(own, { mode: 0o700, recursive: true })
    if (as === 'nobody') for (const directory of [own, places.runtime]) await chown(directory, NOBODY, NOBODY)
    // JSON is YAML.
    await writeFile(join(places.settings, `${program}.yaml`), JSON.stringify(settings))
    const words = [...nodeOptions, `--allow-fs-read=${modules}`, ...movedExecStart(program, places)]
    const user = [
      '--reuid',
      `${NOBODY}`,
      '--regid',
      `${NOBODY}`,
      '--clear-groups',
      '--no-new-privs',
      '--bounding-set=-all',
    ]
    const [command, args] =
      as === 'self' ? [process.execPath, words] : ['setpriv', [...user, process.execPath, ...words]]
    return stack.use(await startProcess(command, args, { cwd: '/' }))
  }

  return {
    places,
    launch,
    async start(program, settings, nodeOptions) {
      const child = await launch(program, settings, nodeOptions)
      const line = await child.waitForLine('stdout', text => text.startsWith('{'), { timeoutMs: START_MS })
      return { url: (JSON.parse(line) as { http: string }).http, process: child }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
