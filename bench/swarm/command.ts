import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { missingNetworkRequirements, NETWORK_REQUIREMENTS } from '../../test/helpers/requirements.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { planOf, SwarmConfig } from './config.ts'
import { drawSwarm } from './draw.ts'
import { swarmJson } from './figures.ts'
import { measureSwarm } from './measure-swarm.ts'

const DESCRIPTION = 'Pulls an image at many nodes at once over limited links: through a swarm, then from the registry.'

/** `npm run bench -- swarm`. */
export const swarmCommand = createConfigCommand('swarm', DESCRIPTION, SwarmConfig, { plainBooleans: true }).action(
  async () => {
    const config = configOf(swarmCommand, SwarmConfig)
    const plan = planOf(config)
    checkRequirements()
    const heard = (what: string) => void process.stderr.write(`${what}\n`)
    await untilInterrupted(async ({ signal }) => {
      const json = swarmJson(await measureSwarm(plan, { heard, signal }))
      process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawSwarm(json))
    })
  },
)

/** @throws DamselflyError UNSUPPORTED that says what is missing and what to do */
function checkRequirements(): void {
  const missing = missingNetworkRequirements()
  if (missing.length === 0) return
  const needs = `every machine gets a link of its own, which needs ${NETWORK_REQUIREMENTS}`
  throw new DamselflyError('UNSUPPORTED', `${needs}; missing here: ${missing.join(', ')}. Run it as root, or with sudo`)
}
