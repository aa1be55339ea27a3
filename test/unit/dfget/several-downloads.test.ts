import { beforeEach, describe, expect, test } from 'vitest'
import { bitfieldOf, range } from '../../helpers/scheduler-fixture.ts'
import { SwarmDownloadFixture, type TestDownload } from '../../helpers/swarm-download-fixture.ts'

let node: SwarmDownloadFixture

beforeEach(async () => {
  node = new SwarmDownloadFixture()
  await node.store.start()
  return () => node.store.stop()
})

describe('several downloads', () => {
  test('share the places of a link and take turns; what one leaves the other gets', async () => {
    const one = await node.download(8, { seed: 'one' })
    const other = await node.download(8, { seed: 'other' })
    const owners = () => node.of('a').map(({ task }) => (task === one.assembly.taskId ? 'one' : 'other'))
    await node.proven(one, 'a', range(8))
    other.swarm.neighbourJoined('a', bitfieldOf(range(8)))
    await node.settled()
    expect(owners()).toEqual(['one', 'one'])
    await node.answer(one, node.of('a')[0])
    await node.answer(one, node.of('a')[0])
    expect(owners().sort()).toEqual(['one', 'other'])
    one.swarm.stop()
    await node.settled()
    expect(owners()).toEqual(['other', 'other'])
  })

  test.each(['a neighbour', 'the supernode'])('wait for their turn with %s without taking it for dead', async whom => {
    const peer = whom === 'a neighbour' ? 'a' : 'supernode'
    const offer = ({ swarm }: TestDownload) =>
      peer === 'a' ? swarm.neighbourJoined('a', bitfieldOf(range(8))) : swarm.granted(range(8))
    const first = await node.download(8, { seed: 'first' })
    const next = await node.download(8, { seed: 'next' })
    offer(first)
    await node.settled()
    offer(next)
    await node.settled()
    expect(node.waiting().map(({ task }) => task)).toEqual([first.assembly.taskId])
    node.silentSince.set(peer, node.clock.now())
    node.clock.advance(70)
    expect([next.swarm.canGet(0), next.swarm.quietMs(0)]).toEqual([true, 70])
    // What nobody is to be asked for is not on its way.
    expect([next.swarm.canGet(8), next.swarm.quietMs(8)]).toEqual([false, Number.POSITIVE_INFINITY])
  })

  test('that somebody waits for come before a preheat, until somebody waits for that too', async () => {
    const preheat = await node.download(8, { seed: 'preheat', background: true })
    const pull = await node.download(8, { seed: 'pull' })
    const owners = () => node.of('a').map(({ task }) => (task === pull.assembly.taskId ? 'pull' : 'preheat'))
    expect([...node.backgroundTasks]).toEqual([preheat.assembly.taskId])
    await node.proven(preheat, 'a', range(8))
    pull.swarm.neighbourJoined('a', bitfieldOf(range(8)))
    await node.settled()
    expect(owners()).toEqual(['pull', 'pull'])
    for (const _ of range(3)) {
      await node.answer(pull, node.of('a')[0])
      expect(owners()).toEqual(['pull', 'pull'])
    }
    expect(node.sent.filter(({ state }) => state === 'aborted')).toHaveLength(2)
    preheat.swarm.promote()
    expect([...node.backgroundTasks]).toEqual([])
    await node.answer(pull, node.of('a')[0])
    await node.answer(pull, node.of('a')[0])
    expect(owners().sort()).toEqual(['preheat', 'pull'])
  })

  test('that nobody waits for get a block now and then while somebody waits for others, whichever peer has it, and all links afterwards', async () => {
    const pull = await node.download(8, { seed: 'pull' })
    const preheats = [1, 2].map(seed => node.download(8, { seed: `preheat ${seed}`, background: true }))
    const [one, other] = await Promise.all(preheats)
    if (one === undefined || other === undefined) throw new Error('no downloads')
    const all = [pull, one, other]
    const owners = () => node.waiting().map(({ task }) => all.findIndex(({ assembly }) => assembly.taskId === task))
    await node.proven(one, 'b', range(8))
    await node.proven(other, 'c', range(8))
    expect(owners()).toEqual([1, 1, 2, 2])
    // A peer that has nothing of what is waited for is left alone, too.
    pull.swarm.neighbourJoined('a', bitfieldOf(range(8)))
    await node.settled()
    expect(owners()).toEqual([0])
    expect(all.map(({ swarm }) => swarm.givesWay)).toEqual([false, true, true])
    await node.pass(900, ...all)
    expect(owners()).toEqual([0])
    await node.pass(100, ...all)
    expect(owners()).toEqual([0, 1])
    await node.pass(400, ...all)
    await node.answer(one, node.of('b')[0])
    await node.pass(16_000, ...all)
    expect(owners()).toEqual([0])
    await node.pass(1_200, ...all)
    // Each has its turn.
    expect(owners()).toEqual([0, 2])
    node.pump.tick()
    pull.swarm.stop()
    await node.pass(1_900, ...all)
    expect(owners()).toEqual([2])
    await node.pass(200, ...all)
    expect(owners().toSorted()).toEqual([1, 1, 2, 2])
  })

  test('that nobody waits for give way as soon as somebody is about to wait, and go on when nothing comes of it', async () => {
    const preheat = await node.download(8, { background: true })
    await node.proven(preheat, 'a', range(8))
    expect(node.of('a')).toHaveLength(2)
    node.pump.makeWay()
    await node.settled()
    expect(node.waiting()).toEqual([])
    // Nobody is interrupted twice.
    await node.pass(1_000, preheat)
    expect(node.of('a')).toHaveLength(1)
    node.pump.makeWay()
    await node.settled()
    expect(node.of('a')).toHaveLength(1)
    await node.answer(preheat, node.of('a')[0])
    await node.pass(2_000, preheat)
    expect(node.of('a')).toHaveLength(2)
  })

  test('forget what they know of a peer when none of them has to do with it any more', async () => {
    const pull = await node.download(8)
    await node.proven(pull, 'a', range(8))
    const known = node.pump.linkTo('a')
    node.pump.tick()
    expect(node.pump.linkTo('a')).toBe(known)
    pull.swarm.stop()
    await node.settled()
    node.pump.tick()
    expect(node.pump.linkTo('a')).not.toBe(known)
  })

  test('that were stopped ask for nothing more, whatever they hear', async () => {
    const pull = await node.download(4)
    pull.swarm.neighbourJoined('a', bitfieldOf([0]))
    await node.settled()
    pull.swarm.neighbourHas('a', [1, 2])
    pull.swarm.stop()
    pull.swarm.granted([3])
    await node.settled()
    pull.swarm.neighbourHas('a', [3])
    await node.pass(200, pull)
    expect(node.waiting()).toEqual([])
    expect(node.sent.map(({ state }) => state)).toEqual(['aborted'])
  })
})
