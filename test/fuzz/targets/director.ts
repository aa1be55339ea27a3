import assert from 'node:assert/strict'
import type { TaskBlocks } from '../../../lib/blocks/block-store.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { BLOCK_DIGEST_BYTES, type BlockDigest, BlockMap } from '../../../protocol/block-map.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import {
  type PeerToSupernode,
  peerToSupernodeCodec,
  type SupernodeToPeer,
  supernodeToPeerCodec,
} from '../../../protocol/messages/control.ts'
import type { Expulsion } from '../../../protocol/messages/fields.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { SwarmDirector } from '../../../supernode/control/swarm-director.ts'
import { createSchedulerState, type SchedulerState } from '../../../supernode/scheduler/state.ts'
import { SeedTask } from '../../../supernode/seed/seed-task.ts'
import type { FuzzTarget } from '../engine/target.ts'
import { type CoarseClock, createCoarseClock } from './coarse-clock.ts'
import { framed, messagesIn, mutateFrames } from './frames.ts'

const PEERS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'].map(letter => `12D3KooW${letter.repeat(44)}`)
const TASKS = ['1', '2', '3'].map(digit => `sha256:${digit.repeat(64)}` as TaskId)
const UNKNOWN = `sha256:${'4'.repeat(64)}` as TaskId
const TICKET = 'good'
const BLOCKS = 40
const BLOCK_BYTES = 256 * 1024
const [task = UNKNOWN, second = UNKNOWN] = TASKS

/** Before each message stands who sends it, as the labels of a hello do not say: its place in the input, by turns. */
const MESSAGES: readonly PeerToSupernode[][] = [
  [
    { type: 'hello', addresses: ['/ip4/10.0.0.1/tcp/1'], labels: { zone: 'a' }, agent: 'x', keeps: true },
    { type: 'join', task, ticket: TICKET, have: new Uint8Array(0) },
    { type: 'have', task, blocks: [0, 1, 2] },
    { type: 'hungry', task, blocks: [3, 4] },
    { type: 'blocked', task, blocks: [5] },
    { type: 'lost', task, blocks: [1] },
    { type: 'report', task, about: PEERS[1] ?? '', kind: 'corrupt' },
    { type: 'leave', task },
  ],
  [
    { type: 'hello', addresses: [], labels: { pool: 'gpu' }, agent: '', fetches: true },
    { type: 'offer', task: second, have: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff) },
    { type: 'join', task: second, ticket: TICKET, have: Uint8Array.of(0x80), priority: 'background' },
    { type: 'have', task: second, blocks: [2 ** 31 - 1] },
    { type: 'kept', task: second },
    { type: 'refused', task: second, code: 'STORE_FULL' },
    { type: 'fetched', task: second },
    { type: 'not-fetched', task: second, code: 'TASK_BLOCKED' },
    { type: 'ping' },
  ],
  [
    { type: 'join', task: UNKNOWN, ticket: TICKET, have: new Uint8Array(0) },
    { type: 'join', task, ticket: 'bad', have: new Uint8Array(0) },
    { type: 'hello', addresses: [], labels: { zone: 'b' }, agent: '' },
    { type: 'report', task, about: PEERS[0] ?? '', kind: 'unreachable' },
    { type: 'report', task, about: 'nobody', kind: 'stalled' },
  ],
]

/** What happens besides messages. */
interface World {
  readonly director: SwarmDirector
  readonly clock: CoarseClock
  readonly tasks: ReadonlyMap<TaskId, SeedTask>
  readonly state: SchedulerState
  readonly leave: Map<string, () => void>
  /** Messages that were sent to anybody. */
  sent: number
}

function createWorld(): World {
  const clock = createCoarseClock()
  const state = createSchedulerState(1)
  const tasks = new Map(TASKS.map((id, at) => [id, seedTask(id, at)]))
  const expelled: Expulsion[] = []
  const nothing = (): void => {}
  const director = new SwarmDirector(
    {
      findTask: async id => tasks.get(id),
      shapeOf: async id => tasks.get(id)?.map,
      ticketVerifier: {
        verify(ticket, expected) {
          if (ticket !== TICKET) throw new DamselflyError('TICKET_INVALID')
          return { task: expected.task as TaskId, peer: expected.peer, expiresAt: 1 }
        },
      },
      clock,
      logger: silentLogger(),
      account: { report: nothing, granted: nothing, invalidMessage: nothing, message: nothing, scheduled: nothing },
      replicas: { linked: nothing, gone: nothing, kept: nothing, refused: nothing },
      fetches: { linked: nothing, gone: nothing, fetched: nothing, notFetched: nothing },
      expulsions: { current: () => expelled },
      refuse: peers => void expelled.splice(0, expelled.length, ...peers),
      forbidden: () => [UNKNOWN],
      uploads: { expect: nothing },
      record: nothing,
    },
    state,
  )
  return { director, clock, tasks, state, leave: new Map(), sent: 0 }
}

function seedTask(id: TaskId, at: number): SeedTask {
  const map = new BlockMap(BLOCK_BYTES, at === 2 ? undefined : BLOCKS * BLOCK_BYTES)
  return new SeedTask(id, { complete: false } as TaskBlocks, map)
}

interface Happening {
  readonly world: World
  readonly seed: SeedTask
  readonly peer: string
  readonly what: number
}

/** The supernode's own part: blocks come, reads end, operators act, time goes by. */
const HAPPENINGS: readonly ((happening: Happening) => void)[] = [
  growSome,
  growSome,
  growSome,
  ({ world, seed }) => {
    seed.state = 'failed'
    world.director.failed(seed, new DamselflyError('ORIGIN_FAILED'))
  },
  ({ world, seed }) => world.director.dropped(seed.taskId, 'TASK_UNKNOWN'),
  ({ world, peer }) => world.leave.get(peer)?.(),
  ({ world, peer, what }) => world.director.expel([{ id: peer, until: world.clock.wallTime() + 60_000 * (what & 1) }]),
  ({ world, seed, what }) => world.director.forbid(what % 2 === 0 ? 'forbid' : 'allow', [seed.taskId]),
  ({ world, seed }) => {
    seed.state = 'complete'
    world.director.complete(seed)
  },
  ({ world }) => world.clock.advance(10_000),
  ({ world, what }) => world.clock.advance(1 + what),
]

function growSome({ world, seed, what }: Happening): void {
  const room = BLOCKS - seed.map.length
  for (let block = 0; block < Math.min(room, 1 + (what >> 5)); block++) {
    seed.map.append(new Uint8Array(BLOCK_DIGEST_BYTES) as BlockDigest)
  }
  world.director.grown(seed)
}

function happen(world: World, what: number): void {
  const seed = world.tasks.get(TASKS[what % TASKS.length] ?? UNKNOWN)
  const peer = PEERS[what % PEERS.length] ?? ''
  if (seed !== undefined) HAPPENINGS[what % HAPPENINGS.length]?.({ world, seed, peer, what })
}

async function say(world: World, peer: string, bytes: Uint8Array): Promise<void> {
  let message: PeerToSupernode
  try {
    message = peerToSupernodeCodec.decode(bytes)
  } catch (error) {
    assert(error instanceof DamselflyError && error.code === 'MESSAGE_INVALID')
    return
  }
  if (message.type !== 'hello') return world.director.receive(peer, message)
  const send = (answer: SupernodeToPeer): void => {
    world.sent++
    // Whatever is sent is what the other end takes.
    supernodeToPeerCodec.decode(supernodeToPeerCodec.encode(answer))
  }
  const { addresses, labels, agent, keeps = false, fetches = false } = message
  const introduction = { address: { id: peer, addresses }, labels, agent, keeps, fetches }
  world.leave.set(peer, world.director.connected(introduction, send))
}

/** What nobody may make grow, whatever he says. */
function checkBounds({ director, state, tasks }: World): void {
  assert(director.peers().length <= PEERS.length)
  assert.equal(state.peers.size, director.peers().length)
  assert([...state.tasks.keys()].every(id => tasks.has(id)))
  assert(state.standings.size <= 1_000)
  for (const { members, islands, readyBlocks } of state.tasks.values()) {
    assert(members.size <= state.peers.size && islands.size <= members.size && readyBlocks <= BLOCKS)
    for (const member of members.values()) {
      assert(state.peers.has(member.peer.id))
      assert(member.neighbours.length < PEERS.length)
      assert(member.neighbours.every(other => other.neighbours.includes(member)))
      assert(member.grants.every(({ block }) => block < readyBlocks))
    }
  }
}

const director: FuzzTarget = {
  name: 'swarm-director',
  about: 'sequences of control messages of several peers, and of what happens to the supernode meanwhile',
  maxBytes: 8192,
  seeds: () => [
    ...MESSAGES.map(messages => framed(peerToSupernodeCodec, messages)),
    framed(peerToSupernodeCodec, MESSAGES.flat()),
    framed(peerToSupernodeCodec, [...MESSAGES, ...MESSAGES, ...MESSAGES].flat()),
  ],
  mutate: mutateFrames,
  async open() {
    return {
      async run(input) {
        const world = createWorld()
        await world.director.start()
        let bytes = 0
        for (const [at, message] of messagesIn(input).entries()) {
          // The bytes decide who speaks and what else happens, the same again each time.
          const turn = message.reduce((sum, byte) => (sum * 31 + byte) % 65_521, at)
          bytes += message.length
          await say(world, PEERS[turn % 3 === 0 ? turn % PEERS.length : at % 3] ?? '', message)
          if (turn % 4 !== 0) happen(world, turn >> 2)
        }
        world.clock.advance(60_000)
        checkBounds(world)
        assert(world.sent <= 20_000 + bytes, 'too many answers')
        for (const leave of world.leave.values()) leave()
        world.clock.advance(1_000)
        assert.equal(world.state.peers.size, 0)
        for (const { members } of world.state.tasks.values()) assert.equal(members.size, 0)
        await world.director.stop()
      },
    }
  },
}

/** What steers the swarms. */
export const DIRECTOR_TARGETS: readonly FuzzTarget[] = [director]
