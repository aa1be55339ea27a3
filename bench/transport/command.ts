import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { TransportConfig } from './config.ts'
import { drawTransports } from './draw.ts'
import { transportJson } from './figures.ts'
import { measureTransports } from './measure-transports.ts'

const DESCRIPTION =
  'Moves bytes from one process to another: by our block exchange, by js-libp2p as it comes, over HTTPS, over plain TCP.'

/** `npm run bench -- transport`. */
export const transportCommand = createConfigCommand('transport', DESCRIPTION, TransportConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(transportCommand, TransportConfig)
  const heard = (rounds: number) => void process.stderr.write(`round ${rounds} of ${config.rounds} done\n`)
  await untilInterrupted(async options => {
    const json = transportJson(await measureTransports(config, heard, options))
    process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawTransports(json))
  })
})
