import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bench, dfgetCommand, emptyDirectory, timed, userIn } from './bench.ts'
import { startOrigin } from './origin.ts'

const FILE_BYTES = 1024

/** Times from the start of the process to the first request at the origin, in milliseconds. */
export interface Starts {
  readonly alone: readonly number[]
  /** With a dfdaemon; empty where none was named. */
  readonly withDaemon: readonly number[]
}

/** Starts dfget again and again. The first start of all, which nothing is kept from, is not counted. @throws Error when one fails */
export async function measureStarts(bench: Bench): Promise<Starts> {
  const { config, heard } = bench
  await using directory = await emptyDirectory(bench)
  await using origin = await startOrigin(undefined, { sizeBytes: FILE_BYTES })
  await mkdir(join(directory.path, 'cache'))
  const ways = {
    alone: [],
    ...(config.daemonSocket === '' ? {} : { withDaemon: ['--daemon-socket', config.daemonSocket] }),
  }
  const starts: { alone: number[]; withDaemon: number[] } = { alone: [], withDaemon: [] }

  async function start(flags: readonly string[], index: number): Promise<number> {
    const file = join(directory.path, 'file')
    // Another URL each time, so that a daemon does not have it.
    const command = dfgetCommand(bench, '--quiet', ...flags, '-O', file, `${origin.url}/file?start=${index}`)
    await origin.counts()
    const startedAt = performance.timeOrigin + performance.now()
    await timed(bench, command, { env: userIn(join(directory.path, 'cache')) })
    await rm(file)
    return ((await origin.counts()).firstRequestAt ?? Number.NaN) - startedAt
  }

  await start([], 0)
  for (let index = 1; index <= config.starts; index++) {
    for (const [way, flags] of Object.entries(ways)) starts[way as keyof Starts].push(await start(flags, index))
  }
  heard(`start: ${config.starts} starts done`)
  return starts
}
