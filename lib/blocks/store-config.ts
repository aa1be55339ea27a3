import { type Static, Type } from 'typebox'
import { DamselflyError } from '../../protocol/errors.ts'
import type { Quota } from './quota.ts'

function percent(defaultValue: number, description: string) {
  return Type.Integer({ default: defaultValue, minimum: 0, maximum: 100, placeholder: 'percent', description })
}

/** How much disk the stored content may take: the settings that all programs with a store share. */
export const StoreConfig = Type.Object(
  {
    maxBytes: Type.Integer({
      default: 0,
      minimum: 0,
      placeholder: 'bytes',
      description: 'most that stored content may take, as 200GiB; 0 for whatever keepFree leaves',
    }),
    keepFree: percent(5, 'part of the file system, in percent, that stored content leaves free'),
    highWatermark: percent(
      90,
      'part of what it may take, in percent, above which content that was not used for longest is deleted',
    ),
    lowWatermark: percent(80, 'part of what it may take, in percent, down to which it is deleted'),
  },
  { additionalProperties: false, default: {} },
)
export type StoreConfig = Static<typeof StoreConfig>

/** The quota that settings ask for. @throws DamselflyError CONFIG_INVALID when the watermarks are the wrong way round */
export function quotaOf({ maxBytes, keepFree, highWatermark, lowWatermark }: StoreConfig): Quota {
  if (lowWatermark > highWatermark) {
    const problem = `store.lowWatermark (${lowWatermark}) is above store.highWatermark (${highWatermark})`
    throw new DamselflyError('CONFIG_INVALID', `${problem}; content is deleted from the high one down to the low one`)
  }
  return {
    maxBytes: maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes,
    keepFree: keepFree / 100,
    highWatermark: highWatermark / 100,
    lowWatermark: lowWatermark / 100,
  }
}
