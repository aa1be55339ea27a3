import { appendFile, writeFile } from 'node:fs/promises'
import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { SCENARIOS } from '../../test/simulation/scenarios/scenarios.ts'
import { scenarioNamed } from '../../test/simulation/simulate.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { ScenariosConfig } from './config.ts'
import { runScenarios, type ScenarioFigures } from './run-scenarios.ts'
import { missed } from './targets.ts'

const DESCRIPTION =
  'Simulates every scenario with several seeds, and compares the figures with what we hold ourselves to.'

/** `npm run bench -- scenarios`. */
export const scenariosCommand = createConfigCommand('scenarios', DESCRIPTION, ScenariosConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(scenariosCommand, ScenariosConfig)
  const names =
    config.only.length > 0 ? config.only.map(name => scenarioNamed(name).name) : SCENARIOS.map(({ name }) => name)
  const runs = names.flatMap(scenario =>
    Array.from({ length: config.seeds }, (_, index) => ({ scenario, seed: index + 1 })),
  )
  if (config.results !== '') await writeFile(config.results, '')
  const out = config.json ? process.stderr : process.stdout
  out.write(`${drawRow(HEADINGS)}\n`)
  await untilInterrupted(async ({ signal }) => {
    const heard = (figures: ScenarioFigures) => {
      out.write(`${drawRun(figures)}\n`)
      if (config.results !== '') void appendFile(config.results, `${JSON.stringify(figures)}\n`)
    }
    const all = await runScenarios(runs, { atOnce: config.atOnce, signal, heard })
    const misses = all.flatMap(({ scenario, seed, ...figures }) =>
      missed(scenario, figures).map(miss => `${scenario} ${seed}: ${miss}`),
    )
    if (config.json) process.stdout.write(`${JSON.stringify({ runs: all.length, missed: misses })}\n`)
    else out.write(misses.length === 0 ? `all ${all.length} runs reach their targets\n` : `${misses.join('\n')}\n`)
  })
})

const COLUMNS = [
  'p50Ratio',
  'p99Ratio',
  'p999Ratio',
  'maxRatio',
  'originRatio',
  'supernodeEgressRatio',
  'crossZoneRatio',
  'wallMs',
] as const
const HEADINGS = ['scenario', 'seed', 'p50', 'p99', 'p99.9', 'max', 'origin', 'supernode', 'cross-zone', 'wall ms']

function drawRun(figures: ScenarioFigures): string {
  const misses = missed(figures.scenario, figures)
  const row = drawRow([figures.scenario, figures.seed, ...COLUMNS.map(name => figures[name])])
  return misses.length === 0 ? row : `${row}  missed: ${misses.join(', ')}`
}

function drawRow(cells: readonly unknown[]): string {
  return cells.map((cell, index) => (index === 0 ? String(cell).padEnd(15) : String(cell).padStart(10))).join('')
}
