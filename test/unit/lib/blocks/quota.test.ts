import { describe, expect, it } from 'vitest'
import { capacityOf, excessBytes, leastRecentlyUsed, type Quota } from '../../../../lib/blocks/quota.ts'
import { quotaOf, StoreConfig } from '../../../../lib/blocks/store-config.ts'
import { loadConfig } from '../../../../lib/config/load-config.ts'
import { contentOf, taskOf } from '../../../helpers/content-blocks.ts'

const QUOTA: Quota = { maxBytes: 1_000, keepFree: 0.1, highWatermark: 0.9, lowWatermark: 0.8 }

describe('what a store may hold', () => {
  it('is its quota where the disk has room for it', () => {
    expect(capacityOf(QUOTA, 300, { totalBytes: 10_000, freeBytes: 5_000 })).toBe(1_000)
  })

  it('is what it has and what others leave, less what stays free, where the disk has not', () => {
    expect(capacityOf(QUOTA, 300, { totalBytes: 10_000, freeBytes: 1_400 })).toBe(700)
  })

  it('is what it has where others have taken what should stay free', () => {
    expect(capacityOf(QUOTA, 300, { totalBytes: 10_000, freeBytes: 10 })).toBe(300)
  })
})

describe('what must go', () => {
  it('is nothing up to the high watermark', () => {
    expect(excessBytes(QUOTA, { claimedBytes: 500, capacityBytes: 1_000 }, 400)).toBe(0)
  })

  it('is all above the low watermark behind it', () => {
    expect(excessBytes(QUOTA, { claimedBytes: 500, capacityBytes: 1_000 }, 401)).toBe(101)
  })

  it('is what was not used for longest, until that is enough', () => {
    const idle = [3, 1, 2].map(usedAt => ({ taskId: taskOf(contentOf(8, usedAt)), storedBytes: 10, usedAt }))
    const [three, one, two] = idle.map(task => task.taskId)
    expect(leastRecentlyUsed(idle, 0)).toEqual([])
    expect(leastRecentlyUsed(idle, 11)).toEqual([one, two])
    expect(leastRecentlyUsed(idle, 99)).toEqual([one, two, three])
  })
})

describe('the settings of a store', () => {
  const load = (flags: Record<string, string>) => quotaOf(loadConfig('test', StoreConfig, { flags }))

  it('leave the disk its margin by default', () => {
    expect(load({})).toEqual({
      maxBytes: Number.POSITIVE_INFINITY,
      keepFree: 0.05,
      highWatermark: 0.9,
      lowWatermark: 0.8,
    })
  })

  it('take units', () => {
    expect(load({ maxBytes: '200GiB', keepFree: '20' })).toMatchObject({ maxBytes: 200 * 1024 ** 3, keepFree: 0.2 })
  })

  it('refuse watermarks that are the wrong way round', () => {
    expect(() => load({ highWatermark: '50', lowWatermark: '60' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('store.lowWatermark (60)') }),
    )
  })
})
