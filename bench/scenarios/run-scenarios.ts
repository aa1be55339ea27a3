import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pLimit from 'p-limit'

/** The figures of one run, as the simulator prints them. */
export type ScenarioFigures = Readonly<Record<string, unknown>> & { readonly scenario: string; readonly seed: number }

const SIMULATOR = fileURLToPath(new URL('../../test/simulation/main.ts', import.meta.url))

/** Room for the young generation: a run makes many short-lived objects. */
const NODE_OPTIONS = ['--max-semi-space-size=64', '--max-old-space-size=3072']

/**
 * Runs scenarios, each in a process of its own. @param heard called with each run that has ended
 * @throws when a run fails, with what it said
 */
export async function runScenarios(
  runs: readonly { readonly scenario: string; readonly seed: number }[],
  { atOnce, signal, heard }: { atOnce: number; signal: AbortSignal; heard: (figures: ScenarioFigures) => void },
): Promise<ScenarioFigures[]> {
  const limit = pLimit(atOnce)
  const run = promisify(execFile)
  return Promise.all(
    runs.map(({ scenario, seed }) =>
      limit(async () => {
        const args = [...NODE_OPTIONS, SIMULATOR, '--scenario', scenario, '--seed', String(seed), '--json']
        const { stdout } = await run(process.execPath, args, { signal })
        const figures = JSON.parse(stdout) as ScenarioFigures
        heard(figures)
        return figures
      }),
    ),
  )
}
