import { describe, expect, test } from 'vitest'
import { RateMeter } from '../../../../lib/terminal/rate-meter.ts'

describe('RateMeter', () => {
  test('knows no rate before there is something to measure', () => {
    const meter = new RateMeter()
    expect(meter.bytesPerSecond).toBeUndefined()
    meter.add(0, 0)
    meter.add(200, 1000)
    expect(meter.bytesPerSecond).toBeUndefined()
  })

  test('follows the last seconds, not the whole download', () => {
    const meter = new RateMeter()
    for (let second = 0; second <= 10; second++) meter.add(second * 1000, second * 100)
    expect(meter.bytesPerSecond).toBe(100)
    for (let second = 11; second <= 20; second++) meter.add(second * 1000, 1000)
    expect(meter.bytesPerSecond).toBe(0)
  })
})
