import { beforeEach, describe, expect, test } from 'vitest'
import { ownBuffer } from '../../../lib/blocks/block-buffers.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { bitfieldOf, range } from '../../helpers/scheduler-fixture.ts'
import { namesOf, SwarmDownloadFixture } from '../../helpers/swarm-download-fixture.ts'

let node: SwarmDownloadFixture

beforeEach(async () => {
  node = new SwarmDownloadFixture()
  await node.store.start()
  return () => node.store.stop()
})

describe('a neighbour', () => {
  test('is asked for one block, and for two when it has delivered that', async () => {
    const pull = await node.download(8)
    await node.proven(pull, 'a', range(8))
    expect(node.of('a')).toHaveLength(2)
  })

  test('that parts in peace delivers what it was asked for, and is asked for nothing more', async () => {
    const pull = await node.download(8)
    await node.proven(pull, 'a', range(8))
    const before = node.of('a')
    pull.swarm.neighbourLeft('a')
    await node.settled()
    expect(before.map(({ state }) => state)).toEqual(['waiting', 'waiting'])
    for (const request of before) await node.answer(pull, request)
    expect(pull.assembly.present.count).toBe(3)
    expect(node.of('a')).toEqual([])
    expect(pull.swarm.canGet(7)).toBe(false)
  })

  test('that parts before it was asked is not asked', async () => {
    const pull = await node.download(1)
    pull.swarm.neighbourJoined('a', bitfieldOf([0]))
    pull.swarm.neighbourLeft('a')
    await node.settled()
    expect(node.sent).toEqual([])
  })

  test('that parts and then falls silent is waited for as long as any other', async () => {
    const pull = await node.download(8)
    await node.proven(pull, 'a', range(8))
    pull.swarm.neighbourJoined('b', bitfieldOf(range(8)))
    pull.swarm.neighbourLeft('a')
    await node.settled()
    node.silentSince.set('a', node.clock.now())
    expect(node.of('a')).toHaveLength(2)
    await node.pass(600, pull)
    expect(node.of('a')).toEqual([])
  })

  test('whose connection is gone is waited for no longer; others are asked', async () => {
    const pull = await node.download(2)
    pull.swarm.neighbourJoined('a', bitfieldOf([0]))
    await node.settled()
    pull.swarm.neighbourJoined('b', bitfieldOf([0]))
    await node.settled()
    expect(namesOf(node.waiting())).toEqual(['a:0'])
    pull.swarm.neighbourGone('a')
    await node.settled()
    expect(namesOf(node.waiting())).toEqual(['b:0'])
    expect(node.reports).toEqual([])
  })

  test.each(['BLOCK_CORRUPT', 'MESSAGE_INVALID', 'FRAME_TOO_LARGE'] as const)(
    'that lies (%s) is reported, cut off and never asked again',
    async code => {
      const pull = await node.download(8)
      await node.proven(pull, 'a', range(8))
      const [first, second] = node.of('a')
      await node.refuse(first, new DamselflyError(code))
      expect(second?.state).toBe('aborted')
      expect([node.reports, node.parted]).toEqual([['a corrupt'], ['a']])
      pull.swarm.neighbourJoined('a', bitfieldOf(range(8)))
      await node.settled()
      expect(node.of('a')).toEqual([])
      expect(node.parted).toEqual(['a', 'a'])
    },
  )

  test('that sends other bytes than those of the block is a liar', async () => {
    const pull = await node.download(2)
    pull.swarm.neighbourJoined('a', bitfieldOf([0]))
    await node.settled()
    node.of('a')[0]?.resolve(ownBuffer(pull.bytesOf(1)))
    await node.settled()
    expect(node.reports).toEqual(['a corrupt'])
    expect(pull.assembly.present.count).toBe(0)
  })

  test('that does not hold what it claimed is asked for the rest', async () => {
    const pull = await node.download(2)
    pull.swarm.neighbourJoined('a', bitfieldOf([0, 1]))
    await node.settled()
    await node.refuse(node.of('a')[0], new DamselflyError('TASK_UNKNOWN'))
    expect(namesOf(node.of('a'))).toEqual(['a:1'])
    expect(node.reports).toEqual([])
  })

  test('that fails is asked last; another is asked at once', async () => {
    const pull = await node.download(1)
    for (const peer of ['a', 'b']) {
      pull.swarm.neighbourJoined(peer, bitfieldOf([0]))
      await node.settled()
    }
    expect(namesOf(node.waiting())).toEqual(['a:0'])
    await node.refuse(node.of('a')[0], new Error('the connection broke'))
    expect(namesOf(node.waiting())).toEqual(['b:0'])
    expect(node.reports).toEqual([])
  })

  test('that fails three times in a row is reported as unreachable and let go', async () => {
    const pull = await node.download(8)
    pull.swarm.neighbourJoined('a', bitfieldOf(range(8)))
    await node.settled()
    for (const failure of range(3)) {
      expect(node.reports).toEqual([])
      expect(node.of('a')).toHaveLength(1)
      node.clock.advance(1)
      await node.refuse(node.of('a')[0], new Error(`failure ${failure}`))
    }
    expect([node.reports, node.parted]).toEqual([['a unreachable'], ['a']])
    expect(node.of('a')).toEqual([])
    // It may come back.
    pull.swarm.neighbourJoined('a', bitfieldOf(range(8)))
    await node.settled()
    expect(node.of('a')).toHaveLength(1)
  })

  test('claims blocks behind the end of the content in vain', async () => {
    const pull = await node.download(2)
    pull.swarm.neighbourJoined('a', bitfieldOf([5, 1_000]))
    pull.swarm.neighbourHas('a', [2, 999])
    pull.swarm.neighbourHas('nobody', [0])
    await node.settled()
    expect(node.waiting()).toEqual([])
    pull.swarm.neighbourHas('a', [1])
    await node.settled()
    expect(namesOf(node.waiting())).toEqual(['a:1'])
    expect(pull.swarm.neighbourLacks('a', [0, 1])).toEqual([0])
    expect(pull.swarm.neighbourLacks('nobody', [0, 1])).toEqual([0, 1])
  })
})

describe('a neighbour that stalls', () => {
  test('is reported after 2 s while nothing is known of it, and others are asked', async () => {
    const pull = await node.download(1)
    pull.swarm.neighbourJoined('a', bitfieldOf([0]))
    await node.settled()
    pull.swarm.neighbourJoined('b', bitfieldOf([0]))
    node.silentSince.set('a', node.clock.now())
    await node.pass(1_900, pull)
    expect([node.reports, namesOf(node.waiting())]).toEqual([[], ['a:0']])
    await node.pass(100, pull)
    expect([node.reports, namesOf(node.waiting())]).toEqual([['a stalled'], ['b:0']])
  })

  test('is reported sooner when a reader waits for what it claims, and the supernode is asked for what nobody else has', async () => {
    const pull = await node.download(8)
    pull.swarm.neighbourJoined('a', bitfieldOf(range(8)))
    await node.settled()
    node.silentSince.set('a', node.clock.now())
    await node.pass(900, pull)
    expect(pull.swarm.lackingFrom(0, 1_000)).toEqual([0])
    expect([node.reports, pull.swarm.hungryFor()]).toEqual([[], []])
    await node.pass(100, pull)
    expect(pull.swarm.lackingFrom(0, 1_000)).toEqual(range(8))
    expect(node.reports).toEqual(['a stalled'])
    // It is asked for one block again, in case it recovers.
    expect([...pull.swarm.hungryFor()].sort()).toEqual(range(8).slice(1))
    pull.swarm.granted([1])
    expect([pull.swarm.isGranted(1), pull.swarm.lackingFrom(0, 1_000).includes(1)]).toEqual([true, false])
  })

  test('is not asked any more after half a second when it was fast, and reported when it is silent ten seconds later', async () => {
    const pull = await node.download(8)
    await node.proven(pull, 'a', range(8))
    node.silentSince.set('a', node.clock.now())
    pull.swarm.neighbourJoined('b', bitfieldOf(range(7)))
    await node.pass(400, pull)
    expect(node.of('a')).toHaveLength(2)
    await node.pass(100, pull)
    // But for what nobody else has: its link may be full, or others may come first.
    expect(namesOf(node.of('a'))).toEqual(['a:7'])
    await node.pass(9_400, pull)
    expect(node.reports).toEqual([])
    await node.pass(600, pull)
    expect(new Set(node.reports)).toEqual(new Set(['a stalled']))
  })

  test('is not reported for what nobody waits for: its sender may let it wait', async () => {
    const preheat = await node.download(1, { background: true })
    preheat.swarm.neighbourJoined('a', bitfieldOf([0]))
    await node.settled()
    preheat.swarm.neighbourJoined('b', bitfieldOf([0]))
    node.silentSince.set('a', node.clock.now())
    await node.pass(2_000, preheat)
    expect([node.reports, namesOf(node.waiting())]).toEqual([[], ['b:0']])
  })

  test('is asked again when nobody else has the block, and after ten seconds for anything', async () => {
    const pull = await node.download(8)
    await node.proven(pull, 'a', range(8))
    pull.swarm.neighbourJoined('b', bitfieldOf(range(7)))
    node.silentSince.set('a', node.clock.now())
    await node.pass(500, pull)
    node.silentSince.delete('a')
    await node.pass(100, pull)
    expect(namesOf(node.of('a'))).toEqual(['a:7'])
    await node.answer(pull, node.of('a')[0])
    await node.pass(9_000, pull)
    expect(node.of('a')).toEqual([])
    await node.pass(1_000, pull)
    expect(node.of('a')).toHaveLength(2)
  })

  test('is not one that was silent only while this process was held up', async () => {
    const pull = await node.download(8)
    pull.swarm.neighbourJoined('a', bitfieldOf(range(8)))
    await node.settled()
    node.silentSince.set('a', node.clock.now())
    node.clock.advance(5_000)
    pull.swarm.tick()
    await node.settled()
    expect(node.reports).toEqual([])
    await node.pass(100, pull)
    expect(node.reports).toEqual(['a stalled'])
  })
})

describe('the supernode', () => {
  test('is asked for what it granted, and not again for what it fails to give', async () => {
    const pull = await node.download(4)
    pull.swarm.granted([1, 2])
    await node.settled()
    expect(namesOf(node.waiting())).toEqual(['supernode:1'])
    await node.answer(pull, node.waiting()[0])
    expect(namesOf(node.waiting())).toEqual(['supernode:2'])
    await node.refuse(node.waiting()[0], new DamselflyError('TASK_UNKNOWN'))
    expect(node.waiting()).toEqual([])
    expect(pull.swarm.canGet(2)).toBe(false)
  })

  test('that stalls has granted nothing; it is not reported to itself', async () => {
    const pull = await node.download(8)
    pull.swarm.granted([0])
    await node.settled()
    await node.answer(pull, node.waiting()[0])
    pull.swarm.granted([1, 2, 3])
    await node.settled()
    // However fast it was: it may be busy with others.
    node.silentSince.set('supernode', node.clock.now())
    await node.pass(1_900, pull)
    expect(namesOf(node.waiting())).toEqual(['supernode:1', 'supernode:2'])
    await node.pass(100, pull)
    expect([node.waiting(), node.reports, pull.swarm.canGet(3)]).toEqual([[], [], false])
  })

  test('that is gone takes its grants with it', async () => {
    const pull = await node.download(4)
    pull.swarm.granted([0, 1])
    pull.swarm.neighbourJoined('a', bitfieldOf([2]))
    await node.settled()
    pull.swarm.revokeGrants()
    await node.settled()
    expect(namesOf(node.waiting())).toEqual(['a:2'])
  })
})

test('a second source is not waited for when the block has come from the first', async () => {
  const pull = await node.download(2)
  pull.swarm.neighbourJoined('a', bitfieldOf([0]))
  await node.settled()
  pull.swarm.granted([0])
  await node.settled()
  expect(namesOf(node.waiting())).toEqual(['a:0', 'supernode:0'])
  const [, second] = node.waiting()
  await node.answer(pull, node.of('a')[0])
  expect(second?.state).toBe('aborted')
  expect(node.reports).toEqual([])
})

test('it is known for how long nobody has sent a byte, and whether a block could come', async () => {
  const pull = await node.download(4)
  expect(pull.swarm.quietMs(0)).toBe(Number.POSITIVE_INFINITY)
  pull.swarm.neighbourJoined('a', bitfieldOf([0]))
  pull.swarm.neighbourJoined('b', bitfieldOf([1]))
  await node.settled()
  node.silentSince.set('a', node.clock.now()).set('b', node.clock.now() - 50)
  node.clock.advance(100)
  expect(pull.swarm.quietMs(0)).toBe(100)
  expect(range(4).map(block => pull.swarm.canGet(block))).toEqual([true, true, false, false])
})
