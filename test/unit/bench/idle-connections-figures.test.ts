import { expect, test } from 'vitest'
import { drawIdleConnections } from '../../../bench/idle-connections/draw.ts'
import { idleConnectionsJson } from '../../../bench/idle-connections/figures.ts'

const pulls = (coldMiBps: number, warmMiBps: number, rssMiB: number) => ({ coldMiBps, warmMiBps, rssMiB })

test('ratios are taken within each round', () => {
  const json = idleConnectionsJson({
    rounds: [
      { alone: pulls(100, 1000, 200), burdened: pulls(95, 900, 300) },
      { alone: pulls(50, 500, 200), burdened: pulls(50, 550, 310) },
      { alone: pulls(200, 800, 210), burdened: pulls(180, 800, 290) },
    ],
    ...{ idle: 5000, slow: 100, sizeBytes: 1024 ** 2, leastOpen: 5299, ended: 7, commit: null },
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
  })
  expect(json).toMatchObject({ ratioCold: 0.95, ratioWarm: 1, aloneColdMiBps: 100, burdenedColdMiBps: 95 })
  expect(json).toMatchObject({ aloneRssMiB: 200, burdenedRssMiB: 300, maxRssMiB: 310, leastOpen: 5299, ended: 7 })
  expect(drawIdleConnections(json)).toContain('beside 5000 idle connections and 300 slow ones.')
})
