import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { SmallFileConfig } from './config.ts'
import { drawSmallFiles } from './draw.ts'
import { smallFileJson } from './figures.ts'
import { measureSmallFiles } from './measure-small-files.ts'

const DESCRIPTION =
  'Pulls blobs of 1 KiB through a dfdaemon from a supernode that holds them: what a pull costs at least.'

/** `npm run bench -- small-file`. */
export const smallFileCommand = createConfigCommand('small-file', DESCRIPTION, SmallFileConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(smallFileCommand, SmallFileConfig)
  const heard = (what: string) => void process.stderr.write(`${what}\n`)
  await untilInterrupted(async ({ signal }) => {
    const json = smallFileJson(await measureSmallFiles(config, { heard, signal }))
    process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawSmallFiles(json))
  })
})
