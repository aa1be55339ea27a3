import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { TransferConfig } from './config.ts'
import { drawTransfers } from './draw.ts'
import { transferJson } from './figures.ts'
import { measureTransfers } from './measure-transfers.ts'

const DESCRIPTION = 'Fetches content from one peer to another, verified and stored: in memory, and on a disk.'

/** `npm run bench -- transfer`. */
export const transferCommand = createConfigCommand('transfer', DESCRIPTION, TransferConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(transferCommand, TransferConfig)
  const heard = (what: string) => void process.stderr.write(`${what}\n`)
  await untilInterrupted(async ({ signal }) => {
    const json = transferJson(await measureTransfers(config, { heard, signal }))
    process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawTransfers(json))
  })
})
