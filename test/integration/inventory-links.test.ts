import { generateKeyPair } from '@libp2p/crypto/keys'
import { test } from 'vitest'
import { InventoryLinks } from '../../dfget/peer/swarm/inventory-links.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createLibp2pNode } from '../../lib/p2p/libp2p-node.ts'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import { createTicketVerifier, signTicket } from '../../protocol/ticket.ts'
import { bitfieldOf, TASK } from '../helpers/scheduler-fixture.ts'
import { waitFor } from '../helpers/wait.ts'

const PATIENCE_MS = 10_000
const key = keysOfSeed(Buffer.alloc(32, 1))

/** A node with a ticket for the task that holds block 1, and notes what it hears of its neighbours, who hold block 7. */
async function startNode(stack: AsyncDisposableStack) {
  const node = await createLibp2pNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  })
  const heard: string[] = []
  const ticket = signTicket({ task: TASK, peer: node.peerId, expiresAt: systemClock.wallTime() + 60_000 }, key)
  const verifier = createTicketVerifier(key.publicKey)
  const links = new InventoryLinks({
    node,
    clock: systemClock,
    logger: silentLogger(),
    listener: {
      neighbourJoined: () => heard.push('joined'),
      neighbourHas: (_task, _peer, blocks) => heard.push(`has ${blocks}`),
      neighbourLost: (_task, _peer, blocks) => heard.push(`lost ${blocks}`),
      neighbourLacks: (_task, _peer, blocks) => blocks.filter(block => block !== 7),
      neighbourLeft: () => heard.push('left'),
      neighbourGone: () => heard.push('gone'),
    },
    ticketVerifier: () => verifier,
    ownInventory: async () => ({ have: bitfieldOf([1]), ticket }),
    account: { invalidMessage() {} },
  })
  await links.start()
  await node.start()
  stack.defer(() => node.stop())
  const address: PeerAddress = { id: node.peerId, addresses: node.addresses() }
  const hears = (...expected: string[]) =>
    waitFor(() => JSON.stringify(heard) === JSON.stringify(expected), {
      timeoutMs: PATIENCE_MS,
      what: () => `${expected}, heard ${heard}`,
    })
  return { node, links, address, hears }
}

test('neighbours that part in a task are told apart from those whose connection is gone', async () => {
  await using stack = new AsyncDisposableStack()
  const [one, other] = [await startNode(stack), await startNode(stack)]
  await one.links.connect(TASK, other.address)
  await Promise.all([one.hears('joined'), other.hears('joined')])

  one.links.disconnect(TASK, other.address.id)
  await Promise.all([one.hears('joined', 'left'), other.hears('joined', 'left')])
  // They are strangers now.
  other.links.tell(TASK, 'have', [2])
  one.links.disconnect(TASK, other.address.id)

  await other.links.connect(TASK, one.address)
  await Promise.all([one.hears('joined', 'left', 'joined'), other.hears('joined', 'left', 'joined')])
  await other.node.stop()
  await one.hears('joined', 'left', 'joined', 'gone')
})

test('a neighbour is told of the blocks that it lacks, and of those that it lost', async () => {
  await using stack = new AsyncDisposableStack()
  const [one, other] = [await startNode(stack), await startNode(stack)]
  await one.links.connect(TASK, other.address)
  await Promise.all([one.hears('joined'), other.hears('joined')])
  one.links.tell(TASK, 'have', [7])
  one.links.tell(TASK, 'have', [6, 7, 8])
  await other.hears('joined', 'has 6,8')

  other.links.tell(TASK, 'lost', [7, 1])
  await one.hears('joined', 'lost 7,1')
  // Of the two, the first holds one.
  await other.hears('joined', 'has 6,8', 'has 1')
})
