import { join } from 'node:path'
import { createTestNetwork } from '../../test/helpers/netns.ts'
import { run } from '../../test/helpers/process.ts'
import { measureRounds } from '../measure/measure-rounds.ts'
import { type Bench, dfgetCommand, emptyDirectory, timed, userIn } from './bench.ts'
import { startOrigin } from './origin.ts'

/** Of the origin's link, in bit/s. */
export const SINGLE_RATE = 400e6

/** How long each program took for the same file, in milliseconds. */
export interface SingleRound {
  readonly curl: number
  readonly dfget: number
  /** Where it is installed. */
  readonly aria2c?: number
}

/** One reader without a swarm downloads a file over a limited link, with each program. @throws Error when one of them fails */
export async function measureSingle(bench: Bench): Promise<readonly SingleRound[]> {
  const { config, heard } = bench
  await using network = await createTestNetwork()
  const server = await network.addNode({ rateBitsPerSecond: SINGLE_RATE })
  const { namespace } = await network.addNode()
  await using origin = await startOrigin(server, { sizeBytes: config.size })
  const url = `${origin.url}/file`

  async function download(command: (directory: string) => [string, ...string[]]): Promise<number> {
    await using directory = await emptyDirectory(bench)
    const env = userIn(join(directory.path, 'cache'))
    return await timed(bench, command(directory.path), { namespace, env })
  }

  const curl = () => download(path => ['curl', '-s', '-f', '-o', join(path, 'file'), url])
  const dfget = () => download(path => dfgetCommand(bench, '--quiet', '-O', join(path, 'file'), url))
  const aria2c = () => download(path => ['aria2c', '-q', '-d', path, '-o', 'file', url])
  const hasAria2 = await run('aria2c', ['--version']).then(
    () => true,
    () => false,
  )
  return await measureRounds<SingleRound>(hasAria2 ? { curl, dfget, aria2c } : { curl, dfget }, {
    rounds: config.rounds,
    heard: done => heard(`single: round ${done} of ${config.rounds} done`),
  })
}
