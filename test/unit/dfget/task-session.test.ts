import { beforeEach, expect, test } from 'vitest'
import { Assembly } from '../../../dfget/peer/task/assembly.ts'
import { RequestPump } from '../../../dfget/peer/task/request-pump.ts'
import { assembledContent } from '../../../dfget/peer/task/task-content.ts'
import { TaskSession } from '../../../dfget/peer/task/task-session.ts'
import { BlockBuffers } from '../../../lib/blocks/block-buffers.ts'
import { MemoryBlockStore } from '../../../lib/blocks/memory-block-store.ts'
import type { Hasher } from '../../../lib/hashing/hasher.ts'
import { createInlineHasher } from '../../../lib/hashing/inline-hasher.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { BLOCK_DIGEST_BYTES } from '../../../protocol/block-map.ts'
import { digestOf } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { contentOf } from '../../helpers/content-blocks.ts'
import { fakeOrigin, readsOf } from '../../helpers/fake-origin.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { waitFor } from '../../helpers/wait.ts'

const BLOCK = 16
const CONTENT = contentOf(3 * BLOCK)
const SOURCE = { url: 'http://origin.example/x', headers: {}, digest: digestOf(CONTENT), blockSizeBytes: BLOCK }
const NEVER = new AbortController().signal

const store = new MemoryBlockStore()
const clock = createManualClock()
const origin = fakeOrigin(CONTENT)
const resume = readsOf(origin)

beforeEach(async () => {
  origin.opened.length = 0
  await store.start()
  return () => store.stop()
})

/** The download of a peer that has no supernode, or goes past it. */
function sessionWith({
  hasher = createInlineHasher() as Hasher,
  register = refuse,
  pastSwarm = false,
} = {}): TaskSession {
  return new TaskSession(
    {
      supernode: {
        configured: false,
        silentMs: Number.POSITIVE_INFINITY,
        register,
        send: () => false,
      },
      links: { connect: async () => {}, disconnect() {}, leave() {}, tell() {} },
      pump: new RequestPump(clock),
      backgroundTasks: new Set(),
      store,
      buffers: new BlockBuffers(),
      hasher,
      resume,
      clientOf: () => {
        throw new Error('nobody is asked')
      },
      clock,
      logger: silentLogger(),
    },
    { source: SOURCE, background: false, oneOff: false, pastSwarm },
  )
}

async function refuse(): Promise<never> {
  throw new DamselflyError('SUPERNODE_UNREACHABLE', 'there is none')
}

async function assemblyOf(session: TaskSession): Promise<Assembly> {
  const opened = await session.ready
  if (!(opened instanceof Assembly)) throw new Error('expected content that comes together')
  return opened
}

test('who waits for the check of the whole has the origin asked for nothing behind the end', async () => {
  const checked = Promise.withResolvers<void>()
  const inline = createInlineHasher()
  const hasher: Hasher = {
    ...inline,
    digester(algorithm) {
      const running = inline.digester(algorithm)
      return { ...running, digest: () => checked.promise.then(() => running.digest()) }
    },
  }
  const session = sessionWith({ hasher })
  const opened = await assemblyOf(session)
  const content = assembledContent(
    { clock, source: SOURCE, resume, logger: silentLogger(), contentType: undefined },
    { assembly: opened, readers: session.readers, since: 0 },
  )
  const settled = content.settled({ signal: NEVER })
  await waitFor(() => session.readers.heads().includes(3), { timeoutMs: 5_000 })
  for (let tick = 0; tick < 300; tick++) {
    clock.advance(100)
    session.tick()
  }
  checked.resolve()
  expect(await settled).toBeUndefined()
  expect(opened.complete).toBe(true)
  expect(origin.opened).toEqual([0])
})

test('what came wrong through the swarm is read from the origin, whatever the supernode says of the download before', async () => {
  let registered = 0
  const register = async () => {
    registered++
    return refuse()
  }
  const rest = Promise.withResolvers<void>()
  origin.plans.push({ breaksAt: BLOCK, waitsFor: rest.promise })
  const session = sessionWith({ register, pastSwarm: true })
  const assembly = await assemblyOf(session)
  await session.receive({ type: 'failed', task: assembly.taskId, code: 'CONTENT_CORRUPT' })
  const digests = new Uint8Array(BLOCK_DIGEST_BYTES)
  await session.receive({ type: 'map', task: assembly.taskId, blockSizeBytes: BLOCK, from: 0, digests })
  rest.resolve()
  await assembly.done
  expect(registered).toBe(0)
  expect(assembly.account.originReasons).toEqual([{ why: 'download-failed', code: 'CONTENT_CORRUPT' }])
  session.stop()
})
