import fc from 'fast-check'
import { expect, test } from 'vitest'
import { accountForOrigin, type OriginRead } from '../../chaos/invariants/origin-bytes.ts'
import type { FaultKind, HappenedFault } from '../../chaos/plan/fault.ts'

function read(init: Partial<OriginRead> = {}): OriginRead {
  return { digest: 'a', start: 0, end: 100, atMs: 10_000, reader: 'supernode', byRuntime: false, ...init }
}

function fault(kind: FaultKind, target: string, from?: string[]): HappenedFault {
  const times = { atMs: 9_000, forMs: 2_000, beganAtMs: 9_000, healingAtMs: 11_000, healedAtMs: 11_000 }
  return { id: 1, kind, target, ...times, ...(from === undefined ? {} : { from }) }
}

test('each byte once is a ratio of one', () => {
  const reads = [read({ end: 60 }), read({ start: 60, atMs: 11_000 }), read({ digest: 'b' })]
  expect(accountForOrigin(reads, [])).toMatchObject({ originBytes: 200, uniqueBytes: 200, lostBytes: 0, ratio: 1 })
})

test('what comes again without a reason counts', () => {
  const reads = [read(), read({ start: 50, atMs: 12_000, reader: 'node-1' })]
  const account = accountForOrigin(reads, [])
  expect(account).toMatchObject({ originBytes: 150, uniqueBytes: 100, ratio: 1.5 })
  expect(account.unexplained).toMatchObject([{ reader: 'node-1', againBytes: 50 }])
})

test.each<[string, HappenedFault, Partial<OriginRead>, boolean]>([
  ['a node without a supernode', fault('supernode-kill', 'supernode'), { reader: 'node-1' }, true],
  ['a node long after that', fault('supernode-kill', 'supernode'), { reader: 'node-1', atMs: 40_000 }, false],
  ['a node while another was dead', fault('dfdaemon-kill', 'node-2'), { reader: 'node-1' }, false],
  ['a runtime without its dfdaemon', fault('dfdaemon-kill', 'node-1'), { reader: 'node-1', byRuntime: true }, true],
  ['a runtime without a supernode', fault('supernode-kill', 'supernode'), { reader: 'node-1', byRuntime: true }, false],
  ['a node with a full disk', fault('disk-full', 'node-1'), { reader: 'node-1' }, true],
  ['a node that is cut off', fault('link-cut', 'supernode', ['node-1']), { reader: 'node-1' }, true],
  ['a node beside one that is cut off', fault('link-cut', 'supernode', ['node-1']), { reader: 'node-2' }, false],
  ['a node whose clock is wrong', fault('clock-skew', 'node-1'), { reader: 'node-1' }, false],
  ['a node beside a liar', fault('lying-peer', 'lying-peer'), { reader: 'node-1' }, false],
])('%s reads again what the origin gave before', (_, happened, again, isLost) => {
  const account = accountForOrigin(
    [read({ atMs: 0 }), read(again.atMs === undefined ? { ...again } : again)],
    [happened],
  )
  expect(account.lostBytes).toBe(isLost ? 100 : 0)
  expect(account.lostBy).toEqual(isLost ? { [happened.kind]: 100 } : {})
  expect(account.ratio).toBe(isLost ? 1 : 2)
})

test('what a runtime read before the swarm did, without its dfdaemon, is what was lost', () => {
  const reads = [read({ reader: 'node-1', byRuntime: true, atMs: 10_000 }), read({ atMs: 10_500 })]
  const account = accountForOrigin(reads, [fault('dfdaemon-kill', 'node-1')])
  expect(account).toMatchObject({ originBytes: 200, uniqueBytes: 100, lostBytes: 100, ratio: 1, unexplained: [] })
})

test('unique and repeated bytes together are all bytes, whatever the order of the ranges', () => {
  const ranges = fc.array(fc.tuple(fc.nat(50), fc.nat(50), fc.nat(1_000)), { maxLength: 20 })
  fc.assert(
    fc.property(ranges, given => {
      const reads = given.map(([start, length, atMs]) => read({ start, end: start + length, atMs }))
      const bytes = new Set(reads.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)))
      const { uniqueBytes, originBytes, unexplained } = accountForOrigin(reads, [])
      expect(uniqueBytes).toBe(bytes.size)
      expect(unexplained.reduce((sum, { againBytes }) => sum + againBytes, uniqueBytes)).toBe(originBytes)
    }),
  )
})
