import { type TInteger, Type } from 'typebox'

/** Beyond this a rate is a slip of the pen: 8 Tbit/s. */
const MAX_BYTES_PER_SECOND = 1e12
const MAX_UPLOADS = 100_000

/** What a number of a limit counts: bytes per second, or things. */
export type LimitUnit = 'bytes/s' | 'count'

/** The setting of a rate in bytes per second, without a limit by default. @param description what is limited */
export function rateSetting(description: string): TInteger {
  return limitSetting(`${description}, in bytes per second; 0 for no limit`, 'bytes/s', {
    default: 0,
    maximum: MAX_BYTES_PER_SECOND,
  })
}

/** The setting of how many blocks may be sent at once. @param count the default */
export function uploadsSetting(count: number): TInteger {
  const description = 'blocks that are sent at once, the other requests wait in turn; 0 for no limit'
  return limitSetting(description, 'count', { default: count, maximum: MAX_UPLOADS })
}

function limitSetting(description: string, unit: LimitUnit, bounds: { default: number; maximum: number }): TInteger {
  return Type.Integer({ description, unit, placeholder: unit, minimum: 0, ...bounds })
}
