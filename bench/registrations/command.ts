import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { untilInterrupted } from '../until-interrupted.ts'
import { RegistrationsConfig } from './config.ts'
import { drawRegistrations } from './draw.ts'
import { registrationsJson } from './figures.ts'
import { measureRegistrations } from './measure-registrations.ts'

const DESCRIPTION = 'A supernode under registrations at a steady rate, a quarter of them wrong in one way or another.'

/** `npm run bench -- registrations`. */
export const registrationsCommand = createConfigCommand('registrations', DESCRIPTION, RegistrationsConfig, {
  plainBooleans: true,
}).action(async () => {
  const config = configOf(registrationsCommand, RegistrationsConfig)
  const heard = (what: string) => void process.stderr.write(`${what}\n`)
  await untilInterrupted(async ({ signal }) => {
    const json = registrationsJson(await measureRegistrations(config, { heard, signal }))
    process.stdout.write(config.json ? `${JSON.stringify(json)}\n` : drawRegistrations(json))
  })
})
