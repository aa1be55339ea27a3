import { createRandom, nextRandom } from '../../../supernode/scheduler/random.ts'
import {
  blobs,
  DATA_CENTRE,
  EVERYBODY,
  megabits,
  nodes,
  PAYLOAD_SHARE,
  type Scenario,
  type ScenarioOptions,
} from './scenario.ts'

const GB = 1e9
const GIGABIT = megabits(1_000)

/** A number in 0 ≤ x < 1 for each call, from the seed. */
function dice(seed: number): () => number {
  const random = createRandom(seed)
  return () => nextRandom(random) / 2 ** 32
}

/** A gigabyte to nodes on 1 Gbit/s: what most scenarios start from. */
function gigabyte({ seed, sizeBytes = GB, blockBytes }: ScenarioOptions) {
  return { ...DATA_CENTRE, seed, tasks: blobs(1, sizeBytes, blockBytes) }
}

/** How long one node alone would take, in ms. */
function aloneMs({ sizeBytes = GB }: ScenarioOptions): number {
  return sizeBytes / GIGABIT
}

/** Every scenario, as `npm run simulate -- --scenario NAME`. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'kraken',
    description: "Kraken's published benchmark: 3 GB in 2 layers to 2,600 nodes at 300 MB/s, 5 origins",
    build: ({ seed, peers = 2_600, sizeBytes = 3 * GB, blockBytes }) => ({
      spec: {
        ...DATA_CENTRE,
        seed,
        tasks: blobs(2, sizeBytes, blockBytes),
        peers: nodes(peers, 300_000),
        supernode: { ...DATA_CENTRE.supernode, upBytesPerMs: 5 * 300_000 },
        originBytesPerMs: 5 * 300_000,
      },
      counts: EVERYBODY,
    }),
  },
  {
    name: 'flash-2000',
    description: '2,000 nodes on 1 Gbit/s pull 1 GB in 8 layers at once, registry and supernode on 10 Gbit/s',
    build: ({ seed, peers = 2_000, sizeBytes = GB, blockBytes }) => ({
      spec: { ...DATA_CENTRE, seed, tasks: blobs(8, sizeBytes, blockBytes), peers: nodes(peers, GIGABIT) },
      counts: EVERYBODY,
    }),
  },
  {
    name: 'fleet-15k',
    description: '15,000 nodes on 1 Gbit/s pull 1 GB at once',
    build: options => ({
      spec: { ...gigabyte(options), peers: nodes(options.peers ?? 15_000, GIGABIT) },
      counts: EVERYBODY,
    }),
  },
  {
    name: 'churn',
    description: '1,000 nodes pull 1 GB; one in twenty leaves during the run, as many come',
    build(options) {
      const { seed, peers = 1_000 } = options
      const roll = dice(seed)
      const coming = Math.round(peers / 20)
      const all = nodes(peers + coming, GIGABIT, index => {
        if (index >= peers) return { arrivesAtMs: roll() * aloneMs(options) }
        return index < coming ? { leavesAtMs: roll() * aloneMs(options) } : {}
      })
      return { spec: { ...gigabyte(options), peers: all }, counts: peer => peer.leavesAtMs === undefined }
    },
  },
  {
    name: 'slow-tenth',
    description: '1,000 nodes pull 1 GB; one in ten has a quarter of the rate (the others count)',
    build: options => ({
      spec: {
        ...gigabyte(options),
        peers: nodes(options.peers ?? 1_000, GIGABIT, index =>
          index % 10 === 0 ? { upBytesPerMs: GIGABIT / 4, downBytesPerMs: GIGABIT / 4 } : {},
        ),
      },
      counts: peer => peer.downBytesPerMs === GIGABIT,
    }),
  },
  {
    name: 'zones',
    description: '3 zones of 300 nodes pull 1 GB; 2 Gbit/s join each zone with the rest',
    build: options => ({
      spec: {
        ...gigabyte(options),
        peers: nodes(options.peers ?? 900, GIGABIT, index => ({ labels: { zone: `zone-${index % 3}` } })),
        zoneBytesPerMs: 2 * GIGABIT,
      },
      counts: EVERYBODY,
    }),
  },
  {
    name: 'staggered',
    description: '1,000 nodes come over 60 s and pull 1 GB',
    build(options) {
      const roll = dice(options.seed)
      const peers = nodes(options.peers ?? 1_000, GIGABIT, () => ({ arrivesAtMs: roll() * 60_000 }))
      return { spec: { ...gigabyte(options), peers }, counts: EVERYBODY }
    },
  },
  {
    name: 'supernode-dies',
    description: '1,000 nodes pull 1 GB; the supernode dies half-way',
    build: options => ({
      spec: {
        ...gigabyte(options),
        peers: nodes(options.peers ?? 1_000, GIGABIT),
        supernode: { ...DATA_CENTRE.supernode, diesAtMs: aloneMs(options) / 2 },
      },
      counts: EVERYBODY,
    }),
  },
  {
    name: 'liars',
    description: '1,000 nodes pull 1 GB; one in fifty corrupts what it sends',
    build: options => ({
      spec: {
        ...gigabyte(options),
        peers: nodes(options.peers ?? 1_000, GIGABIT, index => (index % 50 === 7 ? { lies: true } : {})),
      },
      counts: peer => peer.lies !== true,
    }),
  },
  {
    name: 'bench-swarm',
    description: 'what npm run bench -- swarm sets up: ten nodes, supernode and registry on 100 Mbit/s, 256 MiB',
    build: ({ seed, peers = 10, sizeBytes = 256 * 2 ** 20, blockBytes }) => {
      const rate = megabits(100) * PAYLOAD_SHARE
      return {
        spec: {
          ...DATA_CENTRE,
          seed,
          tasks: blobs(1, sizeBytes, blockBytes),
          peers: nodes(peers, rate),
          supernode: { ...DATA_CENTRE.supernode, upBytesPerMs: rate },
          originBytesPerMs: rate,
          // As measured there (docs/decisions/0012).
          loss: 0.03,
          unfairness: 0.7,
        },
        counts: EVERYBODY,
      }
    },
  },
  {
    name: 'tiny',
    description: '1,000 nodes on 1 Gbit/s pull 200 layers of 100 KB',
    build: ({ seed, peers = 1_000, sizeBytes = 200 * 100_000, blockBytes }) => ({
      spec: { ...DATA_CENTRE, seed, tasks: blobs(200, sizeBytes, blockBytes), peers: nodes(peers, GIGABIT) },
      counts: EVERYBODY,
    }),
  },
  {
    name: 'huge',
    description: '200 nodes on 10 Gbit/s pull 100 GB',
    build: ({ seed, peers = 200, sizeBytes = 100 * GB, blockBytes }) => ({
      spec: { ...DATA_CENTRE, seed, tasks: blobs(1, sizeBytes, blockBytes), peers: nodes(peers, 10 * GIGABIT) },
      counts: EVERYBODY,
    }),
  },
]
