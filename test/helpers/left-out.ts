import { CLIENT_REQUIREMENTS, missingClientRequirements } from './requirements.ts'

/** Global setup of `npm test`: one line on what it leaves out, so that a green run is not taken for more than it is. */
export function setup(): void {
  const missing = missingClientRequirements()
  const here = missing.length === 0 ? 'nothing is missing on this machine' : `missing here: ${missing.join(', ')}`
  process.stdout.write(
    `not run here: the real-runtime suite (npm run test:clients; needs ${CLIENT_REQUIREMENTS}; ${here})\n`,
  )
}
