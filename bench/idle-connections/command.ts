import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { IdleConnectionsConfig } from './config.ts'
import { drawIdleConnections } from './draw.ts'
import { idleConnectionsJson } from './figures.ts'
import { measureIdleConnections } from './measure-idle-connections.ts'

const DESCRIPTION = 'Pulls through a dfdaemon, alone and beside thousands of idle and slow connections.'

/** `npm run bench -- idle-connections`. */
export const idleConnectionsCommand = createConfigCommand('idle-connections', DESCRIPTION, IdleConnectionsConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(idleConnectionsCommand, IdleConnectionsConfig)
  const heard = (what: string) => void process.stderr.write(`${what}\n`)
  await untilInterrupted(async ({ signal }) => {
    const json = idleConnectionsJson(await measureIdleConnections(config, { heard, signal }))
    process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawIdleConnections(json))
  })
})
