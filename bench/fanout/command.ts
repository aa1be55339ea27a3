import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { FanoutConfig } from './config.ts'
import { drawFanout, fanoutJson } from './figures.ts'
import { measureFanout } from './measure-fanout.ts'

const DESCRIPTION = 'Serves blocks from one process to many at once: speed, fairness, processor time and memory.'

/** `npm run bench -- fanout`. */
export const fanoutCommand = createConfigCommand('fanout', DESCRIPTION, FanoutConfig, { plainBooleans: true }).action(
  async () => {
    const config = configOf(fanoutCommand, FanoutConfig)
    const heard = (what: string) => void process.stderr.write(`${what}\n`)
    await untilInterrupted(async ({ signal }) => {
      const json = fanoutJson(await measureFanout(config, { heard, signal }))
      process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawFanout(json))
    })
  },
)
