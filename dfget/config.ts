import { type Static, Type } from 'typebox'
import { LOG_LEVELS } from '../lib/log-levels.ts'
import { LIMIT_SETTINGS } from './config/limits.ts'
import { ORIGIN_SETTINGS } from './config/origin.ts'
import { OUTPUT_SETTINGS } from './config/output.ts'
import { STORE_SETTINGS } from './config/store.ts'
import { SWARM_SETTINGS } from './config/swarm.ts'
import { WHAT_SETTINGS } from './config/what.ts'

const group = 'This run'

/** The settings of dfget. Flags, environment variables, the manual page and docs/configuration.md come from here. */
export const DfgetConfig = Type.Object(
  {
    ...WHAT_SETTINGS,
    ...OUTPUT_SETTINGS,
    ...ORIGIN_SETTINGS,
    ...SWARM_SETTINGS,
    ...LIMIT_SETTINGS,
    ...STORE_SETTINGS,
    quiet: Type.Boolean({ group, short: '-q', default: false, description: 'print nothing but errors' }),
    json: Type.Boolean({
      group,
      default: false,
      description: 'print events as lines of JSON on standard output; the last one of each file is done or failed',
    }),
    logLevel: Type.Union(
      LOG_LEVELS.map(level => Type.Literal(level)),
      {
        group,
        default: 'silent',
        placeholder: 'level',
        description: `what to log on standard error, one of ${LOG_LEVELS.join(', ')}`,
      },
    ),
  },
  { additionalProperties: false },
)
export type DfgetConfig = Static<typeof DfgetConfig>
