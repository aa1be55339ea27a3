import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { LastHopConfig } from './config.ts'
import { drawLastHop } from './draw.ts'
import { lastHopJson } from './figures.ts'
import { measureLastHop } from './measure-last-hop.ts'

const DESCRIPTION = 'Pulls a layer through a dfdaemon that gets it from another node, then from its own store.'

/** `npm run bench -- last-hop`. */
export const lastHopCommand = createConfigCommand('last-hop', DESCRIPTION, LastHopConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(lastHopCommand, LastHopConfig)
  const heard = (what: string) => void process.stderr.write(`${what}\n`)
  await untilInterrupted(async ({ signal }) => {
    const json = lastHopJson(await measureLastHop(config, { heard, signal }))
    process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawLastHop(json))
  })
})
