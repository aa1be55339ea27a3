import { readFile, writeFile } from 'node:fs/promises'
import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { SimulationConfig } from './config.ts'
import { readRecording } from './replay/recording.ts'
import { recordedFigures, situationOf } from './replay/replay.ts'
import { drawPlot } from './report/plot.ts'
import { drawFigures } from './report/table.ts'
import { scenarioNamed, simulate } from './simulate.ts'

const DESCRIPTION = "Runs the supernode's scheduler and the peers' picker in a simulated network under a virtual clock."

/** `npm run simulate --`. */
export const simulateCommand = createConfigCommand('simulate', DESCRIPTION, SimulationConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(simulateCommand, SimulationConfig)
  const { json, scenario, plot, replay } = config
  const recording = replay === '' ? undefined : readRecording(await readFile(replay, 'utf8'))
  const name = recording === undefined ? scenario : 'replay'
  const situation =
    recording === undefined ? scenarioNamed(scenario).build(config) : situationOf(recording, config, config.seed)
  const { figures, samples } = simulate(name, situation, { watch: plot !== '' })
  if (plot !== '') await writeFile(plot, drawPlot(figures, samples))
  const all = { ...figures, ...(recording === undefined ? {} : recordedFigures(recording, figures.boundMs)) }
  process.stdout.write(json ? `${JSON.stringify(all)}\n` : drawFigures(all))
})
