import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../test/helpers/process.ts'
import { measureRounds } from '../measure/measure-rounds.ts'
import { type Bench, dfgetCommand, emptyDirectory, startSupernode, timed, userIn } from './bench.ts'
import { type BenchOrigin, type OriginCounts, startOrigin } from './origin.ts'

/** All files once. */
export interface SmallRun {
  readonly elapsedMs: number
  readonly origin: OriginCounts
}

/** By wget; then by dfget through a supernode that knows nothing yet; then by another dfget through the same supernode. */
export interface SmallRound {
  readonly wget: SmallRun
  readonly dfget: { readonly first: SmallRun; readonly second: SmallRun }
}

/** What a round of small files came to, and how dfget was told of them. */
export interface SmallFigures {
  readonly rounds: readonly SmallRound[]
  readonly told: 'list' | 'recursive'
}

/** Many small files from a local server. @throws Error when a program fails, or not all files are there afterwards */
export async function measureSmall(bench: Bench): Promise<SmallFigures> {
  const { config, programs, heard } = bench
  await using origin = await startOrigin(undefined, { files: config.files })
  const { stdout: help } = await run(process.execPath, [programs.main('dfget'), '--help'])
  const told = help.includes('--recursive') ? 'recursive' : 'list'
  const measure = {
    wget: () => byWget(bench, origin),
    dfget: () => byDfget(bench, origin, told),
  }
  const rounds = await measureRounds<SmallRound>(measure, {
    rounds: config.rounds,
    heard: done => heard(`small: round ${done} of ${config.rounds} done`),
  })
  return { rounds, told }
}

async function byWget(bench: Bench, origin: BenchOrigin): Promise<SmallRun> {
  await using directory = await emptyDirectory(bench)
  const path = join(directory.path, 'out')
  return await counted(bench, origin, path, () =>
    timed(bench, ['wget', '-q', '-r', '-np', '-nH', '--cut-dirs=1', '-P', path, `${origin.url}/small/`]),
  )
}

async function byDfget(bench: Bench, origin: BenchOrigin, told: SmallFigures['told']): Promise<SmallRound['dfget']> {
  await using directory = await emptyDirectory(bench)
  await using supernode = await startSupernode(bench, directory.path)
  const list = join(directory.path, 'list.txt')
  const names = Array.from({ length: bench.config.files }, (_, index) => `${String(index).padStart(6, '0')}.bin`)
  await writeFile(list, names.map(name => `${origin.url}/small/${name}\n`).join(''))
  const what = told === 'list' ? ['--input-file', list] : ['--recursive', `${origin.url}/small/`]

  async function node(name: string): Promise<SmallRun> {
    const path = join(directory.path, name)
    await mkdir(path)
    const command = dfgetCommand(bench, '--quiet', ...supernode.flags, '-O', `${path}/`, ...what)
    return await counted(bench, origin, path, () =>
      timed(bench, command, { env: userIn(join(directory.path, `${name}-cache`)) }),
    )
  }

  return { first: await node('first'), second: await node('second') }
}

async function counted(
  { config }: Bench,
  origin: BenchOrigin,
  path: string,
  download: () => Promise<number>,
): Promise<SmallRun> {
  await origin.counts()
  const elapsedMs = await download()
  const counts = await origin.counts()
  const files = (await readdir(path, { recursive: true })).filter(name => name.endsWith('.bin'))
  if (files.length !== config.files) throw new Error(`${files.length} of ${config.files} files came`)
  return { elapsedMs, origin: counts }
}
