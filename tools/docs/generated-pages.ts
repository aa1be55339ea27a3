import { VERSION } from '../../lib/version.ts'
import { ERRORS } from '../../protocol/errors.ts'
import { configurationPage } from './configuration-page.ts'
import { errorsPage } from './errors-page.ts'
import { manualPage } from './manual-page.ts'
import { MANUALS } from './manuals.ts'
import { metricsPage } from './metrics-page.ts'
import { CONFIGURED_PROGRAMS, MEASURED_PARTS } from './sources.ts'

/** Every generated page, by its path from the root. */
export function generatedPages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/configuration.md', configurationPage(CONFIGURED_PROGRAMS)],
    ['docs/errors.md', errorsPage(ERRORS)],
    ['docs/metrics.md', metricsPage(MEASURED_PARTS)],
    ...MANUALS.map(manual => [`docs/man/${manual.command.name()}.1`, manualPage(manual, VERSION)] as const),
  ])
}
