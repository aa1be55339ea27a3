import { systemClock } from '../../../lib/clock.ts'
import { createLogger } from '../../../lib/logger.ts'
import type { DfgetConfig } from '../../config.ts'
import { createSources, type Sources } from '../../create-sources.ts'

/** What reads origins in a run without a peer. Whoever starts it stops it. @throws DamselflyError CONFIG_INVALID */
export async function startSources(config: DfgetConfig): Promise<Sources> {
  const logger = createLogger('dfget', config.logLevel)
  const sources = await createSources(config, { logger, clock: systemClock })
  await sources.start()
  return sources
}
