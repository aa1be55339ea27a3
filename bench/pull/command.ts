import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { missingNetworkRequirements, NETWORK_REQUIREMENTS } from '../../test/helpers/requirements.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { PullConfig } from './config.ts'
import { drawPulls, pullJson } from './figures.ts'
import { measurePulls } from './measure-pulls.ts'

const DESCRIPTION = 'Pulls an image straight from a registry on a limited link, then through the only node of a swarm.'

/** `npm run bench -- pull`. */
export const pullCommand = createConfigCommand('pull', DESCRIPTION, PullConfig, { plainBooleans: true }).action(
  async () => {
    const config = configOf(pullCommand, PullConfig)
    checkRequirements()
    const heard = (runs: number) => void process.stderr.write(`run ${runs} of ${config.runs} done\n`)
    await untilInterrupted(async options => {
      const figures = await measurePulls(config, heard, options)
      process.stdout.write(config.json ? `${JSON.stringify(pullJson(figures))}\n` : drawPulls(figures))
    })
  },
)

/** @throws DamselflyError UNSUPPORTED that says what is missing and what to do */
function checkRequirements(): void {
  const missing = missingNetworkRequirements()
  if (missing.length === 0) return
  const needs = `the registry gets a link of its own, which needs ${NETWORK_REQUIREMENTS}`
  throw new DamselflyError('UNSUPPORTED', `${needs}; missing here: ${missing.join(', ')}. Run it as root, or with sudo`)
}
