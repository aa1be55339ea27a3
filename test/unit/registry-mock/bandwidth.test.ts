import { expect, test } from 'vitest'
import { patternBytes, pushBlob, startRegistryMock } from '../../helpers/registry-mock.ts'

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
