import { beforeEach, describe, expect, test } from 'vitest'
import type { InventoryLinks } from '../../../dfget/peer/swarm/inventory-links.ts'
import type { SupernodeLink } from '../../../dfget/peer/swarm/supernode-link.ts'
import { Membership } from '../../../dfget/peer/task/membership.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { type PeerToSupernode, peerToSupernodeCodec } from '../../../protocol/messages/control.ts'
import type { RegistrationAnswer } from '../../../protocol/messages/registration.ts'
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.ts'
import { bitfieldOf, range, TASK } from '../../helpers/scheduler-fixture.ts'

const HOUR_MS = 3_600_000

let clock: ManualClock
/** What was sent to the supernode, through its wire form. */
let sent: PeerToSupernode[]
/** What the neighbours were told. */
let told: (readonly number[])[]

beforeEach(() => {
  clock = createManualClock()
  sent = []
  told = []
})

async function joined({ background = false } = {}): Promise<Membership> {
  const registration: Partial<RegistrationAnswer> = { ticket: 'ticket', ticketExpiresAt: clock.wallTime() + HOUR_MS }
  const supernode: Pick<SupernodeLink, 'register' | 'send'> = {
    register: async () => registration as RegistrationAnswer,
    send: message => void sent.push(peerToSupernodeCodec.decode(peerToSupernodeCodec.encode(message))),
  }
  const links: Pick<InventoryLinks, 'leave' | 'tell'> = {
    leave() {},
    tell: (_task, _type, blocks) => void told.push(blocks),
  }
  const components = { supernode, links, resume: { origin: {} }, clock, logger: silentLogger() }
  const source = { url: 'http://registry.example/x', headers: {} }
  const membership = new Membership(components, { source, background, inline: false })
  await membership.register()
  membership.join(TASK, bitfieldOf([1]))
  return membership
}

const reported = () => sent.flatMap(message => (message.type === 'have' ? [message.blocks] : []))
const joins = () => sent.filter(message => message.type === 'join')

describe('what has come', () => {
  test('is told to the neighbours at once, and what comes in the next 10 ms together', async () => {
    const membership = await joined()
    membership.stored(TASK, 1)
    clock.advance(0)
    expect(told).toEqual([[1]])
    membership.stored(TASK, 2)
    clock.advance(9)
    membership.stored(TASK, 3)
    expect(told).toEqual([[1]])
    clock.advance(1)
    expect(told).toEqual([[1], [2, 3]])
    clock.advance(100)
    membership.stored(TASK, 4)
    clock.advance(0)
    expect(told).toEqual([[1], [2, 3], [4]])
  })

  test('is told to the supernode within half a second', async () => {
    const membership = await joined()
    membership.stored(TASK, 1)
    clock.advance(499)
    membership.stored(TASK, 2)
    expect(reported()).toEqual([])
    clock.advance(1)
    expect(reported()).toEqual([[1, 2]])
  })

  test('is told to the supernode at once when it granted one of the blocks, once for each grant', async () => {
    const membership = await joined()
    membership.granted([2])
    membership.stored(TASK, 1)
    clock.advance(100)
    membership.stored(TASK, 2)
    clock.advance(0)
    expect(reported()).toEqual([[1, 2]])
    membership.stored(TASK, 2)
    clock.advance(499)
    expect(reported()).toEqual([[1, 2]])
    clock.advance(1)
    expect(reported()).toEqual([[1, 2], [2]])
  })

  test('is told to the supernode at once when it is much', async () => {
    const membership = await joined()
    for (const block of range(300)) membership.stored(TASK, block)
    expect(reported()).toEqual([range(256)])
    clock.advance(500)
    expect(reported()).toEqual([range(256), range(300).slice(256)])
  })

  test('is told at once at the end, and before it is told that something is lost', async () => {
    const membership = await joined()
    membership.stored(TASK, 1)
    membership.lost(TASK, [1])
    membership.stored(TASK, 2)
    membership.tellNews()
    membership.stop()
    clock.advance(1_000)
    expect(told).toEqual([[1], [1], [2]])
    expect(sent.map(({ type }) => type)).toEqual(['leave', 'join', 'have', 'lost', 'have'])
  })
})

describe('a join', () => {
  test('says of a preheat that nobody waits for it, and says anew when somebody does', async () => {
    const membership = await joined({ background: true })
    expect(joins()).toMatchObject([{ priority: 'background' }])
    membership.promote()
    expect(joins()).toHaveLength(2)
    expect(joins()[1]).not.toHaveProperty('priority')
  })

  test('says nothing of a pull that an older supernode would not understand', async () => {
    await joined()
    expect(joins()[0]).not.toHaveProperty('priority')
  })
})
