import { beforeEach, expect, test } from 'vitest'
import { BackgroundGate } from '../../../../lib/limits/background-gate.ts'
import { createManualClock, type ManualClock } from '../../../helpers/manual-clock.ts'

const KIB = 1024
const PIECE = 64 * KIB

let clock: ManualClock
let gate: BackgroundGate
let given: [name: string, bytes: number][]

beforeEach(() => {
  clock = createManualClock()
  clock.advance(10_000)
  gate = new BackgroundGate(clock)
  given = []
})

const { signal } = new AbortController()

async function settled(): Promise<void> {
  await new Promise(setImmediate)
}

async function pass(ms: number): Promise<void> {
  clock.advance(ms)
  await settled()
}

function ask(name: string, options: { signal?: AbortSignal; goesOn?: boolean; maxBytes?: number } = {}): void {
  const { maxBytes = 4096 * KIB, goesOn = false } = options
  void gate.take(maxBytes, options.signal ?? signal, { goesOn }).then(bytes => given.push([name, bytes]))
}

test('while nobody waits for anything all may go', async () => {
  expect(gate.open).toBe(true)
  expect(await gate.take(4096 * KIB, signal)).toBe(4096 * KIB)
  expect(await gate.take(1, AbortSignal.abort())).toBe(0)
})

test('beside what somebody waits for a sixty-fourth part goes, in pieces', async () => {
  const end = gate.awaited()
  expect(gate.open).toBe(false)
  let bytes = 0
  for (let sent = 0; sent < 128; sent++) {
    ask('a')
    await settled()
    gate.sent(1024 * KIB)
    await settled()
    clock.advance(1)
  }
  for (const [, each] of given) bytes += each
  expect(bytes).toBeGreaterThanOrEqual(32 * PIECE)
  expect(bytes).toBeLessThanOrEqual(34 * PIECE)
  end()
})

test('a piece goes now and then where little else goes', async () => {
  const end = gate.awaited()
  ask('a')
  ask('b')
  await settled()
  expect(given).toEqual([['a', PIECE]])
  await pass(499)
  expect(given).toHaveLength(1)
  await pass(1)
  expect(given).toEqual([
    ['a', PIECE],
    ['b', PIECE],
  ])
  end()
})

test('what is about to be asked for closes it already, and for no longer than a moment when that does not come', async () => {
  gate.expect()
  expect(gate.open).toBe(false)
  ask('a')
  ask('b')
  await settled()
  expect(given).toEqual([['a', PIECE]])
  await pass(500)
  expect(given).toEqual([
    ['a', PIECE],
    ['b', 4096 * KIB],
  ])
  expect(gate.open).toBe(true)
})

test('soon after the last that somebody waited for all may go', async () => {
  const [end, endOther] = [gate.awaited(), gate.awaited()]
  for (const name of ['a', 'b', 'c']) ask(name)
  await settled()
  end()
  end()
  await pass(10)
  endOther()
  await pass(480)
  expect(given).toEqual([['a', PIECE]])
  await pass(9)
  expect(given).toHaveLength(1)
  await pass(20)
  expect(given).toEqual([
    ['a', PIECE],
    ['b', PIECE],
    ['c', 4096 * KIB],
  ])
  expect(gate.open).toBe(true)
})

test('the rest of a block comes before others, and who does not wait any longer before nobody', async () => {
  const end = gate.awaited()
  const gone = new AbortController()
  ask('first')
  ask('gone', { signal: gone.signal })
  ask('other')
  await settled()
  ask('first again', { goesOn: true, maxBytes: 5 })
  gone.abort()
  await pass(500)
  await pass(500)
  expect(given).toEqual([
    ['first', PIECE],
    ['gone', 0],
    ['first again', 5],
    ['other', PIECE],
  ])
  end()
})
