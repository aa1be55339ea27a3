import { expect, test } from 'vitest'
import type { TaskId } from '../../../protocol/task.ts'
import { paceReading } from '../../../supernode/seed/reading-pace.ts'

const KIB = 1024
const TASK = `sha256:${'a'.repeat(64)}` as TaskId

/** How long a read pauses after so many bytes. @param givesWayForMs how long it has to wait */
async function pauseAfter(
  bytes: number,
  givesWayForMs: number,
  signal = new AbortController().signal,
): Promise<number> {
  let waitedMs = 0
  const pacing = {
    givesWay: () => waitedMs < givesWayForMs,
    wait: async (ms: number, until: AbortSignal) => {
      until.throwIfAborted()
      waitedMs += ms
    },
  }
  await paceReading(pacing, { task: TASK, bytes }, { signal })
  return waitedMs
}

test('a read that has to wait goes on at 256 KiB a second', async () => {
  expect(await pauseAfter(256 * KIB, Number.POSITIVE_INFINITY)).toBe(1_000)
  expect(await pauseAfter(1024 * KIB, Number.POSITIVE_INFINITY)).toBe(4_000)
})

test('the largest blocks pause it for five seconds: its origin shall not take it for dead', async () => {
  expect(await pauseAfter(4096 * KIB, Number.POSITIVE_INFINITY)).toBe(5_000)
})

test('a read that has not to wait does not, and one that has to no longer goes on within a tenth of a second', async () => {
  expect(await pauseAfter(4096 * KIB, 0)).toBe(0)
  expect(await pauseAfter(4096 * KIB, 250)).toBe(300)
})

test('the end of the supernode ends a pause', async () => {
  await expect(pauseAfter(256 * KIB, 1_000, AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping')
})
