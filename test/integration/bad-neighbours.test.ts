import { test } from 'vitest'
import { Bitfield } from '../../protocol/bitfield.ts'
import { encodeDataHeader, encodeMessageFrame } from '../../protocol/frame.ts'
import { blockRefusalCodec, blockRequestCodec } from '../../protocol/messages/block-exchange.ts'
import { peerToSupernodeCodec } from '../../protocol/messages/control.ts'
import { inventoryCodec } from '../../protocol/messages/inventory.ts'
import type { RegistrationAnswer } from '../../protocol/messages/registration.ts'
import { BLOCK_PROTOCOL, CONTROL_PROTOCOL, INVENTORY_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { seedBlob } from '../helpers/blob.ts'
import { onlyTask, startCluster } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { type RawStream, rawStream, startRawPeer } from '../helpers/raw-peer.ts'
import { waitFor } from '../helpers/wait.ts'

const BLOCK_BYTES = 256 * 1024
const BLOCKS = 16
const BLOB_BYTES = BLOCKS * BLOCK_BYTES

/** How a peer that claims to hold everything answers a request for a block. */
type Answer = (stream: RawStream, id: number) => void

interface Behaviour {
  readonly name: string
  /** Undefined for a peer that does not speak the inventory and block protocols. */
  readonly answer: Answer | undefined
  /** What the supernode gets to hear about it. */
  readonly reported: 'corrupt' | 'stalled' | 'unreachable' | undefined
}

const sendBlock = (stream: RawStream, id: number, bytes: Uint8Array) => {
  stream.send(encodeDataHeader(id, bytes.length))
  stream.send(bytes)
}

const BEHAVIOURS: readonly Behaviour[] = [
  {
    name: 'sends wrong bytes',
    answer: (stream, id) => sendBlock(stream, id, new Uint8Array(BLOCK_BYTES)),
    reported: 'corrupt',
  },
  { name: 'sends short blocks', answer: (stream, id) => sendBlock(stream, id, new Uint8Array(1)), reported: 'corrupt' },
  { name: 'never answers', answer: () => {}, reported: 'stalled' },
  {
    name: 'begins a block and falls silent',
    answer: (stream, id) => stream.send(encodeDataHeader(id, BLOCK_BYTES)),
    reported: 'stalled',
  },
  {
    name: 'sends longer blocks than were asked for',
    answer: (stream, id) => sendBlock(stream, id, new Uint8Array(BLOCK_BYTES + 1)),
    reported: 'corrupt',
  },
  {
    name: 'answers requests that were not made',
    answer: (stream, id) => sendBlock(stream, id + 1_000, new Uint8Array(BLOCK_BYTES)),
    reported: 'stalled',
  },
  {
    name: 'holds nothing of what it claimed',
    answer: (stream, id) => refuse(stream, id, 'missing'),
    reported: undefined,
  },
  { name: 'takes no ticket', answer: (stream, id) => refuse(stream, id, 'denied'), reported: 'unreachable' },
  {
    name: 'answers with what is no message',
    answer: stream => stream.send(encodeMessageFrame(Buffer.from([0xff]))),
    reported: 'corrupt',
  },
  { name: 'speaks another version of the protocol', answer: undefined, reported: 'unreachable' },
]

function refuse(stream: RawStream, id: number, reason: 'missing' | 'denied'): void {
  stream.send(encodeMessageFrame(blockRefusalCodec.encode({ type: 'refused', id, count: 1, reason })))
}

test.for(BEHAVIOURS)('a pull completes beside a neighbour that $name', async ({ answer, reported }, { expect }) => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode()
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  let registration: RegistrationAnswer | undefined
  let asked = 0
  let dismissed = false

  const have = everything()
  await using bad = await startRawPeer(async node => {
    if (answer === undefined) return
    await node.handle(INVENTORY_PROTOCOL, stream => {
      rawStream(stream, (bytes, self) => {
        const message = inventoryCodec.decode(bytes)
        if (message.type === 'leave') dismissed = true
        if (message.type !== 'join' || registration === undefined) return
        const { ticket } = registration
        self.send(encodeMessageFrame(inventoryCodec.encode({ type: 'join', task: message.task, ticket, have })))
      })
    })
    await node.handle(BLOCK_PROTOCOL, stream => {
      rawStream(stream, (bytes, self) => {
        const message = blockRequestCodec.decode(bytes)
        if (message.type !== 'get') return
        for (let of = 0; of < message.count; of++) {
          asked++
          answer(self, message.id + of)
        }
      })
    })
  })
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
  registration = await bad.register(supernode, url, blob.digest)
  const control = await bad.open({ id: supernode.peerId, addresses: supernode.p2p() }, CONTROL_PROTOCOL)
  const { taskId: task, ticket } = registration
  const tell = (message: Parameters<typeof peerToSupernodeCodec.encode>[0]) =>
    control.send(encodeMessageFrame(peerToSupernodeCodec.encode(message)))
  tell({ type: 'hello', addresses: [...bad.address.addresses], labels: {}, agent: 'test' })
  tell({ type: 'join', task, ticket, have })
  // It claims each block, so that the supernode sends others to it.
  await waitFor(() => control.messages.length > 0, { timeoutMs: 10_000, what: 'the block map' })

  const node = await cluster.dfdaemon({ supernode: supernode.url })
  const startedAt = performance.now()
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: BLOB_BYTES })
  // A silent neighbour costs some two seconds; the rest is room for a busy machine.
  expect(performance.now() - startedAt).toBeLessThan(12_000)

  if (answer !== undefined) expect(asked).toBeGreaterThan(0)
  const { account } = await onlyTask(node)
  expect(account).toMatchObject({ peerBytes: 0, supernodeBytes: BLOB_BYTES, originBytes: 0 })
  const reports = (kind: string) => readMetric(supernode, 'damselfly_supernode_peer_reports_total', { kind })
  for (const kind of ['corrupt', 'stalled', 'unreachable']) {
    if (kind === reported) expect(await reports(kind)).toBeGreaterThan(0)
    else expect(await reports(kind)).toBe(0)
  }
  if (reported === 'corrupt') expect(dismissed).toBe(true)

  // Another node pulls as if nothing had been.
  const other = await cluster.dfdaemon({ supernode: supernode.url })
  expect(await pullBlob(other, blob)).toMatchObject({ status: 200, digest: blob.digest })
})

function everything(): Uint8Array {
  const field = new Bitfield(BLOCKS)
  for (let block = 0; block < BLOCKS; block++) field.add(block)
  return field.toBytes()
}
