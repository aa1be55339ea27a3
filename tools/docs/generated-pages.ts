import { ERRORS } from '../../protocol/errors.ts'
import { configurationPage } from './configuration-page.ts'
import { errorsPage } from './errors-page.ts'
import { metricsPage } from './metrics-page.ts'
import { configuredPrograms, measuredParts } from './sources.ts'

/** Every generated page, by its path from the root. */
export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/configuration.md', configurationPage(await configuredPrograms())],
    ['docs/errors.md', errorsPage(ERRORS)],
    ['docs/metrics.md', metricsPage(await measuredParts())],
  ])
}
