import { watchMachine } from '../conditions.ts'
import { readCommit } from '../measure/commit.ts'
import type { Bench } from './bench.ts'
import { buildPrograms } from './built.ts'
import type { Part } from './config.ts'
import type { DfgetFigures } from './figures.ts'
import { type EightRound, measureEight } from './measure-eight.ts'
import { measureSingle } from './measure-single.ts'
import { measureSmall } from './measure-small.ts'
import { measureStarts } from './measure-start.ts'

/**
 * Measures the parts that were asked for, with the programs as they are published.
 * @throws Error when a program fails; the signal's reason
 */
export async function measureDfget(init: Omit<Bench, 'programs'>): Promise<DfgetFigures> {
  const { config } = init
  const commit = readCommit()
  const conditions = watchMachine()
  await using programs = await buildPrograms()
  const bench = { ...init, programs }
  const part = async <Figures>(name: Part, measure: () => Promise<Figures>): Promise<Figures | undefined> =>
    config.part === name || config.part === 'all' ? await measure() : undefined
  const start = await part('start', () => measureStarts(bench))
  const small = await part('small', () => measureSmall(bench))
  const single = await part('single', () => measureSingle(bench))
  const eight = await part('eight', () => eightRounds(bench))
  return { config, single, eight, start, small, commit, conditions: conditions() }
}

async function eightRounds(bench: Bench): Promise<EightRound[]> {
  const rounds: EightRound[] = []
  while (rounds.length < bench.config.rounds) rounds.push(await measureEight(bench))
  return rounds
}
