import { BlockClient } from '../../dfget/peer/exchange/block-client.ts'
import { BlockBuffers } from '../../lib/blocks/block-buffers.ts'
import { systemClock } from '../../lib/clock.ts'
import { Bitfield } from '../../protocol/bitfield.ts'
import { blockRange } from '../../protocol/block-map.ts'
import { blockSizeFor } from '../../protocol/block-size.ts'
import { encodeMessageFrame } from '../../protocol/frame.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import { type InventoryMessage, inventoryCodec } from '../../protocol/messages/inventory.ts'
import { INVENTORY_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { type TaskId, taskIdOfDigest } from '../../protocol/task.ts'
import type { TestBlob } from './blob.ts'
import { unlimited } from './block-exchange.ts'
import { startRawPeer } from './raw-peer.ts'
import { waitFor } from './wait.ts'

/** How long a node may take to say what it holds: an unclean stop makes it hash its blocks first. */
const PATIENCE_MS = 20_000

/** What one node says of the blocks that it holds, while the stream to it is open. */
export interface Hearing {
  /**
   * Shows the ticket of a task until the node answers with what it holds of it, which is nothing before it has the first block.
   * @returns the blocks of the answer; none when the stream ends before it
   */
  ask(task: TaskId): Promise<ReadonlySet<number>>
  /** Gets blocks, and compares them with those of the blob. @returns those that are wrong */
  wrongBlocks(blob: TestBlob, blocks: Iterable<number>): Promise<number[]>
}

/** A neighbour that hears what others hold, and gets blocks only to look at them. */
export interface ListeningNeighbour extends AsyncDisposable {
  /** Gets the tickets of blobs. */
  register(supernode: { readonly url: string }, registry: string, blobs: readonly TestBlob[]): Promise<void>
  /** Becomes the neighbour of a node. @param heard is called with all that it says, in order */
  listenTo(node: PeerAddress, heard: (message: InventoryMessage) => void): Promise<Hearing>
}

/** Starts a neighbour on the loopback. */
export async function startListeningNeighbour(): Promise<ListeningNeighbour> {
  const peer = await startRawPeer()
  const tickets = new Map<TaskId, string>()
  const nothing = new Bitfield().toBytes()
  const buffers = new BlockBuffers()
  const limits = unlimited()

  function joinOf(task: TaskId): Uint8Array {
    return encodeMessageFrame(
      inventoryCodec.encode({ type: 'join', task, ticket: tickets.get(task) ?? '', have: nothing }),
    )
  }

  return {
    async register(supernode, registry, blobs) {
      for (const { repository, digest } of blobs) {
        const { ticket } = await peer.register(supernode, `${registry}/v2/${repository}/blobs/${digest}`, digest)
        tickets.set(taskIdOfDigest(digest), ticket)
      }
    },
    async listenTo(node, heard) {
      const answers = new Map<TaskId, ReadonlySet<number>>()
      const stream = await peer.open(node, INVENTORY_PROTOCOL, bytes => {
        const message = inventoryCodec.decode(bytes)
        if ('have' in message) answers.set(message.task, new Set(Bitfield.fromBytes(message.have)))
        heard(message)
      })
      return {
        async ask(task) {
          await waitFor(
            () => {
              if (stream.closed || answers.has(task)) return true
              stream.send(joinOf(task))
              return false
            },
            { timeoutMs: PATIENCE_MS, what: `what the node holds of ${task}` },
          )
          return answers.get(task) ?? new Set()
        },
        async wrongBlocks({ digest, bytes }, blocks) {
          const client = new BlockClient(
            { node: peer.node, clock: systemClock, buffers, limits: limits.downloads },
            node,
          )
          const task = taskIdOfDigest(digest)
          const blockSizeBytes = blockSizeFor(bytes.length)
          const wrong: number[] = []
          for (const block of blocks) {
            const want = { task, ticket: tickets.get(task) ?? '', block, maxBytes: blockSizeBytes }
            const got = await client.fetch(want, { signal: AbortSignal.timeout(PATIENCE_MS) })
            const { start, end } = blockRange(block, blockSizeBytes, bytes.length)
            if (Buffer.compare(got.bytes, bytes.subarray(start, end)) !== 0) wrong.push(block)
            got.release()
          }
          client.close()
          return wrong
        },
      }
    },
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  }
}
