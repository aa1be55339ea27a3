import { describe, expect, test } from 'vitest'
import { createBandwidthLimit } from '../../../registry-mock/bandwidth.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { patternBytes, pushBlob, startRegistryMock } from '../../helpers/registry-mock.ts'

const NEVER = new AbortController().signal
/** Lets everything that can go on without the clock go on. */
const settled = () => new Promise<void>(resolve => setImmediate(resolve))

describe('the limit', () => {
  test('grants the rate over time, with 20 ms of burst', async () => {
    const clock = createManualClock()
    const limit = createBandwidthLimit(clock, 1_000_000)
    const end = new AbortController()
    let granted = 0
    const endless = async () => {
      while (await limit.take(limit.pieceBytes, end.signal)) granted += limit.pieceBytes
    }
    const done = endless()
    for (let elapsedMs = 1; elapsedMs <= 1_000; elapsedMs++) {
      clock.advance(1)
      await settled()
      expect(granted).toBeLessThanOrEqual((elapsedMs + 20) * 1_000 + limit.pieceBytes)
      expect(granted).toBeGreaterThanOrEqual((elapsedMs - 1) * 1_000)
    }
    end.abort()
    await done
  })

  test('shares the rate equally among connections', async () => {
    const clock = createManualClock()
    const limit = createBandwidthLimit(clock, 1_000_000)
    const granted = [0, 0, 0]
    const end = new AbortController()
    const endless = async (index: number) => {
      while (await limit.take(limit.pieceBytes, end.signal)) granted[index] = (granted[index] ?? 0) + limit.pieceBytes
    }
    const done = Promise.all([...granted.keys()].map(endless))
    for (let step = 0; step < 100; step++) {
      clock.advance(20)
      await settled()
    }
    end.abort()
    await done
    expect(Math.max(...granted) - Math.min(...granted)).toBeLessThanOrEqual(limit.pieceBytes)
    expect(granted.reduce((sum, bytes) => sum + bytes)).toBeGreaterThan(1_900_000)
  })

  test('a connection that leaves takes nothing with it', async () => {
    const clock = createManualClock()
    const limit = createBandwidthLimit(clock, 1_000)
    expect(await limit.take(1_020, NEVER)).toBe(true)
    const leaving = new AbortController()
    const abandoned = limit.take(1_000_000, leaving.signal)
    const next = limit.take(10, NEVER)
    leaving.abort()
    expect(await abandoned).toBe(false)
    expect(await limit.take(1, leaving.signal)).toBe(false)
    clock.advance(1_000)
    expect(await next).toBe(true)
  })

  test('no rate means no wait', async () => {
    const limit = createBandwidthLimit(createManualClock(), undefined)
    expect(await limit.take(Number.MAX_SAFE_INTEGER, NEVER)).toBe(true)
  })
})

test('a registry sends no faster than its rate, all connections and ports together', async () => {
  const registry = await startRegistryMock({ bandwidthBytesPerSecond: 1_000_000, redirect: { enabled: true } })
  const digest = await pushBlob(registry, 'a', patternBytes(100_000))
  const startMs = performance.now()
  const bodies = await Promise.all(
    Array.from({ length: 3 }, async () => (await fetch(`${registry.url}/v2/a/blobs/${digest}`)).arrayBuffer()),
  )
  expect(bodies.map(body => body.byteLength)).toEqual([100_000, 100_000, 100_000])
  expect(registry.stats.snapshot().totalBlobBytes).toBe(300_000)
  // 300 ms, less 20 ms of burst and the last piece, whose time is not waited for.
  expect(performance.now() - startMs).toBeGreaterThan(255)
})
