import { describe, expect, test } from 'vitest'
import { type Counters, countedSince } from '../../../bench/swarm/counters.ts'
import { parseCpuTime } from '../../../bench/swarm/cpu-time.ts'
import { drawSwarm } from '../../../bench/swarm/draw.ts'
import { type ClientReport, type SwarmFigures, swarmJson } from '../../../bench/swarm/figures.ts'
import { PAYLOAD_SHARE } from '../../simulation/scenarios/scenario.ts'

const MIB = 1024 * 1024
const RATE = 100e6
/** Of an image of 100 MiB. */
const BOUND_MS = (100 * MIB * 8 * 1000) / (RATE * PAYLOAD_SHARE)
const T0 = 1_750_000_000_000

function report(startedMs: number, endedMs: number): ClientReport {
  const [startedAt, firstByteAt, endedAt] = [T0 + startedMs, T0 + startedMs + 250, T0 + endedMs]
  return { startedAt, firstByteAt, endedAt, manifestDigest: 'sha256:aa', imageBytes: 100 * MIB, cpuSeconds: 0.5 }
}

function nodeCounters(peerMib: number, uploadedMib: number) {
  const [peerBytes, supernodeBytes, uploadedBytes] = [peerMib * MIB, (100 - peerMib) * MIB, uploadedMib * MIB]
  return { peerBytes, supernodeBytes, originBytes: 0, uploadedBytes, cpuSeconds: 2, linkBytes: 110 * MIB }
}

const FIGURES: SwarmFigures = {
  nodes: 2,
  size: 100 * MIB,
  layers: 1,
  rates: { node: RATE, supernode: RATE, registry: RATE },
  record: undefined,
  // The second begins 10 ms late and ends last.
  swarm: [report(0, BOUND_MS * 1.05), report(10, BOUND_MS * 1.1)],
  direct: [report(5, BOUND_MS * 2), report(0, BOUND_MS * 1.9)],
  counts: {
    registryBytes: 101 * MIB,
    supernode: { uploadedBytes: 110 * MIB, controlMessages: 300, schedulerMs: 25, cpuSeconds: 1.5 },
    nodes: [nodeCounters(40, 60), nodeCounters(60, 44)],
    originReasons: ['swarm-silent'],
    cpuShare: 0.5,
  },
  linkBitsPerSecond: 95.6e6,
  congestionControl: 'cubic',
  wallMs: 30_000.4,
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

describe('the figures of a swarm', () => {
  test('compare the pulls, counted from the first start, with the bound and with pulls from the registry', () => {
    expect(swarmJson(FIGURES)).toMatchObject({
      scenario: 'swarm-real',
      seed: null,
      peers: 2,
      boundMs: Number(BOUND_MS.toFixed(1)),
      boundBy: 'slowest-link',
      p50Ratio: 1.05,
      p99Ratio: 1.1,
      p999Ratio: 1.1,
      maxRatio: 1.1,
      swarmMs: Number((BOUND_MS * 1.1).toFixed(1)),
      directMs: Number((BOUND_MS * 2).toFixed(1)),
      directRatio: 0.55,
    })
  })

  test('say what was sent beyond what was needed', () => {
    expect(swarmJson(FIGURES)).toMatchObject({
      originRatio: 1.01,
      supernodeEgressRatio: 1.1,
      crossZoneRatio: 0,
      // 110 from the supernode and 104 from the nodes, of which two nodes needed 100 each.
      duplicateBlockRatio: 0.07,
      controlMessagesPerPeer: 150,
      schedulerCpuMsPerPeer: 12.5,
    })
  })

  test('carry the conditions, and tell when the processors set the pace', () => {
    const json = swarmJson(FIGURES)
    expect(json).toMatchObject({
      linkMbps: 95.6,
      payloadMbps: 95.64,
      cpuShare: 0.5,
      cpuBound: false,
      cpuSeconds: { supernode: 1.5, dfdaemons: 4, clients: 1 },
      bitsPerSecond: { node: RATE, supernode: RATE, registry: RATE },
      manifestDigest: 'sha256:aa',
      originReasons: ['swarm-silent'],
      congestionControl: 'cubic',
      wallMs: 30_000,
      conditions: { loadBefore: 0.125, foreignCpuShare: 0.051 },
    })
    expect(json.nodes[1]).toMatchObject({ firstByteMs: 260, doneMs: json.swarmMs, ...nodeCounters(60, 44) })
    const busy = { ...FIGURES.counts, cpuShare: 0.96 }
    expect(swarmJson({ ...FIGURES, counts: busy })).toMatchObject({ cpuShare: 0.96, cpuBound: true })
  })

  test('are shown to people with a line for each node and what is to be known about them', () => {
    const lines = drawSwarm(swarmJson(FIGURES)).split('\n')
    expect(lines.slice(0, 3).map(line => line.trim().split(/ {2,}/))).toEqual([
      ['node', 'first byte', 'done', '÷ bound', 'from peers', 'from supernode', 'from origin'],
      ['1', '0.25 s', '9.21 s', '1.050', '40.0 MiB', '60.0 MiB', '0 B'],
      ['2', '0.26 s', '9.65 s', '1.100', '60.0 MiB', '40.0 MiB', '0 B'],
    ])
    expect(lines.slice(4)).toEqual([
      'The bound is 8.77 s (slowest-link); the last node took 1.1 × that.',
      'From the registry the same nodes took 17.5 s: the swarm took 0.55 × that.',
      'The registry gave 1.01 copies, the supernode 1.1; 7 % was sent twice.',
      'Control messages for each node: 150; scheduler: 12.5 ms for each node.',
      'Image of 100.0 MiB in 1 layers. Links: each node 100 Mbit/s, supernode 100 Mbit/s, registry 100 Mbit/s.',
      'TCP (cubic) got 95.6 of 95.64 Mbit/s of payload.',
      '2 × Example, Node v24.0.0: 50 % busy while the swarm pulled; dfdaemons 4 s, clients 1 s, supernode 1.5 s.',
      'Load average at the start: 0.13; other programs took 5 % of the processor time.',
      '',
    ])
  })
})

test('what was counted between two readings is their difference, for each node', () => {
  const before: Counters = {
    registryBytes: 5,
    supernode: { uploadedBytes: 1, controlMessages: 20, schedulerMs: 2, cpuSeconds: 1 },
    nodes: [{ ...nodeCounters(0, 0), supernodeBytes: 0, cpuSeconds: 1, linkBytes: 10 }],
    originReasons: [],
  }
  const after: Counters = {
    registryBytes: 105,
    supernode: { uploadedBytes: 101, controlMessages: 50, schedulerMs: 5, cpuSeconds: 3 },
    nodes: [{ ...nodeCounters(40, 20), cpuSeconds: 4, linkBytes: 110 }],
    originReasons: ['swarm-silent'],
  }
  expect(countedSince(before, after)).toEqual({
    registryBytes: 100,
    supernode: { uploadedBytes: 100, controlMessages: 30, schedulerMs: 3, cpuSeconds: 2 },
    nodes: [{ ...nodeCounters(40, 20), cpuSeconds: 3, linkBytes: 100 }],
    originReasons: ['swarm-silent'],
  })
})

test('interrupts and time that the host kept count as busy, waiting for a disk does not', () => {
  const stat = 'cpu  100 2 30 400 50 6 7 8 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n'
  expect(parseCpuTime(stat)).toEqual({ busy: 153, all: 603 })
})
