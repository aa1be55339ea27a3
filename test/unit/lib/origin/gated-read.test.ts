import { expect, test } from 'vitest'
import { createRateLimit } from '../../../../lib/limits/rate-limit.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { openResumable } from '../../../../lib/origin/read-resumable.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { taskIdOfDigest, taskIdOfUrl } from '../../../../protocol/task.ts'
import { fakeOrigin } from '../../../helpers/fake-origin.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'

const CONTENT = new Uint8Array(100_000).map((_, at) => (at * 7) & 0xff)
const URL = 'http://origin.example/file'

/** Reads the content at 10,000 bytes a second, in chunks of 30,000 that the origin sends at once. */
async function startReading(signal = new AbortController().signal) {
  const clock = createManualClock()
  const limit = createRateLimit({ clock }, 10_000)
  const arrived = { bytes: 0 }
  const tasks: string[] = []
  const components = {
    origin: fakeOrigin(CONTENT, { chunkBytes: 30_000 }),
    logger: silentLogger(),
    account: (bytes: number) => {
      arrived.bytes += bytes
    },
    wait: async () => {},
    gateOf(task: string) {
      tasks.push(task)
      return limit
    },
  }
  const { body } = await openResumable(components, { url: URL, headers: {} }, { start: 0, signal })
  const read: Uint8Array[] = []
  const done = (async () => {
    for await (const piece of body) read.push(Uint8Array.from(piece))
  })()
  // Seen by the test that awaits it.
  done.catch(() => {})
  async function pass(durationMs: number): Promise<void> {
    for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += 10) {
      clock.advance(10)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { components, limit, arrived, tasks, read, done, pass, size: () => Buffer.concat(read).length }
}

test('an origin is read as fast as the gate of its task lets it, and no chunk further', async () => {
  const reading = await startReading()
  await reading.pass(2_000)
  expect(reading.size()).toBeGreaterThan(19_500)
  expect(reading.size()).toBeLessThan(20_500 + 1_024)
  expect(reading.arrived.bytes).toBe(30_000)
  reading.limit.change(0)
  await reading.done
  expect(Buffer.concat(reading.read).equals(CONTENT)).toBe(true)
  expect(reading.arrived.bytes).toBe(100_000)
})

test('a read that waits at the gate ends with its signal', async () => {
  const end = new AbortController()
  const reading = await startReading(end.signal)
  await reading.pass(100)
  end.abort(new Error('stopped'))
  await expect(reading.done).rejects.toThrow('stopped')
  expect(reading.limit.open).toBe(false)
})

test('the gate is that of the task as the swarm knows it', async () => {
  const { components, tasks, limit } = await startReading()
  limit.change(0)
  const digest = digestOf(CONTENT)
  for await (const _ of (
    await openResumable(components, { url: URL, headers: {}, digest }, { start: 0, signal: AbortSignal.any([]) })
  ).body);
  expect(tasks).toEqual([taskIdOfUrl({ url: URL, validator: '"v1"' }), taskIdOfDigest(digest)])
})
