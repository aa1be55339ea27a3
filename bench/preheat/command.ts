import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { missingRegistryRequirements, REGISTRY_REQUIREMENTS } from '../../test/helpers/requirements.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { PreheatConfig, planOf } from './config.ts'
import { drawPreheat } from './draw.ts'
import { preheatJson } from './figures.ts'
import { measurePreheats } from './measure-preheats.ts'

const DESCRIPTION = 'Preheats an image to many nodes over limited links, and pulls after it and meanwhile.'

/** `npm run bench -- preheat`. */
export const preheatCommand = createConfigCommand('preheat', DESCRIPTION, PreheatConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(preheatCommand, PreheatConfig)
  const plan = planOf(config)
  checkRequirements()
  const heard = (what: string) => void process.stderr.write(`${what}\n`)
  await untilInterrupted(async ({ signal }) => {
    const json = preheatJson(await measurePreheats(plan, { heard, signal }))
    process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawPreheat(json))
  })
})

/** @throws DamselflyError UNSUPPORTED that says what is missing and what to do */
function checkRequirements(): void {
  const missing = missingRegistryRequirements()
  if (missing.length === 0) return
  const needs = `a real registry and machines with links of their own need ${REGISTRY_REQUIREMENTS}`
  throw new DamselflyError('UNSUPPORTED', `${needs}; missing here: ${missing.join(', ')}. Run it as root, or with sudo`)
}
