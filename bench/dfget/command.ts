import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { missingNetworkRequirements, NETWORK_REQUIREMENTS } from '../../test/helpers/requirements.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { DfgetBenchConfig, type Part } from './config.ts'
import { drawDfget } from './draw.ts'
import { dfgetJson } from './figures.ts'
import { measureDfget } from './measure-dfget.ts'

const DESCRIPTION =
  'The built dfget against curl, aria2c and wget: one large file, eight readers at once, its start, many small files.'

/** Parts that limit links. */
const ON_LINKS: readonly (Part | 'all')[] = ['single', 'eight', 'all']

/** `npm run bench -- dfget`. */
export const dfgetBenchCommand = createConfigCommand('dfget', DESCRIPTION, DfgetBenchConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(dfgetBenchCommand, DfgetBenchConfig)
  if (ON_LINKS.includes(config.part)) checkRequirements()
  const heard = (what: string) => void process.stderr.write(`${what}\n`)
  await untilInterrupted(async ({ signal }) => {
    const json = dfgetJson(await measureDfget({ config, heard, signal }))
    process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawDfget(json))
  })
})

/** @throws DamselflyError UNSUPPORTED that says what is missing and what to do */
function checkRequirements(): void {
  const missing = missingNetworkRequirements()
  if (missing.length === 0) return
  const needs = `links of limited speed need ${NETWORK_REQUIREMENTS}`
  throw new DamselflyError('UNSUPPORTED', `${needs}; missing here: ${missing.join(', ')}. Run it as root, or with sudo`)
}
