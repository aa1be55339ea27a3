import { once } from 'node:events'
import { configOf, createConfigCommand } from '../lib/config/config-command.ts'
import { createLogger } from '../lib/logger.ts'
import { registryMockSchema } from './config.ts'
import { createRegistryMock } from './create-registry-mock.ts'

/** The command line of the program. */
export const command = createConfigCommand(
  'registry-mock',
  'An OCI registry for tests and trials. Prints one line of JSON with its URL when it is ready.',
  registryMockSchema,
).action(async () => {
  const config = configOf(command, registryMockSchema)
  const registry = createRegistryMock(config, { logger: createLogger('registry-mock', 'info') })
  const ended = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  await registry.start()
  try {
    const image = config.image.repository === undefined ? undefined : await registry.generateImage()
    process.stdout.write(`${JSON.stringify({ url: registry.url, image })}\n`)
    await ended
  } finally {
    await registry.stop()
  }
})
