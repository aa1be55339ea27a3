import { beforeEach, expect, test } from 'vitest'
import { RequestPump } from '../../../dfget/peer/task/request-pump.ts'
import { assembledContent } from '../../../dfget/peer/task/task-content.ts'
import { type Opened, TaskSession } from '../../../dfget/peer/task/task-session.ts'
import { BlockBuffers } from '../../../lib/blocks/block-buffers.ts'
import { MemoryBlockStore } from '../../../lib/blocks/memory-block-store.ts'
import type { Hasher } from '../../../lib/hashing/hasher.ts'
import { createInlineHasher } from '../../../lib/hashing/inline-hasher.ts'
import { silentLogger } from '../../../lib/logger.ts'
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
  await store.start()
  return () => store.stop()
})

/** The download of a peer that has no supernode. */
function sessionWith(hasher: Hasher): TaskSession {
  return new TaskSession(
    {
      supernode: {
        configured: false,
        silentMs: Number.POSITIVE_INFINITY,
        register: async () => {
          throw new DamselflyError('SUPERNODE_UNREACHABLE', 'there is none')
        },
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
    { source: SOURCE, background: false, oneOff: false },
  )
}

test('who waits for the check of the whole has the origin asked for nothing behind the end', async () => {
  const checked = Promise.withResolvers<void>()
  const inline = createInlineHasher()
  const session = sessionWith({
    ...inline,
    digester(algorithm) {
      const running = inline.digester(algorithm)
      return { ...running, digest: () => checked.promise.then(() => running.digest()) }
    },
  })
  const opened: Opened = await session.ready
  if (!('arrivals' in opened)) throw new Error('expected content that comes together')
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
  expect(await settled).toBe(true)
  expect(opened.complete).toBe(true)
  expect(origin.opened).toEqual([0])
})
