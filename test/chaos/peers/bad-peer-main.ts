/*
 * A bad peer: node bad-peer-main.ts HUB NAME ADDRESS SUPERNODE TOKEN_FILE. It joins the cluster as anybody does, registers for the
 * blobs that it is told of, claims to hold all of each, and goes to the supernode again when that has been away. The silent one takes every request and never answers. The lying one
 * sends wrong blocks, says that it got and lost what does not exist, and reports honest peers.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Bitfield } from '../../../protocol/bitfield.ts'
import { blockSizeFor } from '../../../protocol/block-size.ts'
import { encodeDataHeader, encodeMessageFrame } from '../../../protocol/frame.ts'
import { blockRequestCodec } from '../../../protocol/messages/block-exchange.ts'
import { type PeerToSupernode, peerToSupernodeCodec, supernodeToPeerCodec } from '../../../protocol/messages/control.ts'
import { type InventoryMessage, inventoryCodec } from '../../../protocol/messages/inventory.ts'
import type { RegistrationAnswer } from '../../../protocol/messages/registration.ts'
import { BLOCK_PROTOCOL, CONTROL_PROTOCOL, INVENTORY_PROTOCOL } from '../../../protocol/protocol-ids.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { joinAsRawMember, type RawMember } from '../../helpers/raw-member.ts'
import { type RawStream, rawStream, startRawPeer } from '../../helpers/raw-peer.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import { reportAt } from '../cluster/lines.ts'
import type { ChaosBlob } from '../cluster/registry-words.ts'
import type { BadPeerOrder } from './bad-peer-words.ts'

/** What it knows of a blob that it claims to hold. */
interface Claim {
  readonly ticket: string
  readonly have: Uint8Array
  readonly blockBytes: number
}

const RETRY_MS = 500
const MAX_CLAIMS = 200

const JOIN_TIMEOUT_MS = 80_000

const [, , hubPath = '', name = '', address = '', supernodeUrl = '', tokenFile = ''] = process.argv
const lies = name === 'lying-peer'
const claims = new Map<TaskId, Claim>()
let control: RawStream | undefined

const member = await becomeMember()
const peer = await startRawPeer(
  async node => {
    await node.handle(INVENTORY_PROTOCOL, stream => void rawStream(stream, answerInventory))
    await node.handle(BLOCK_PROTOCOL, stream => void rawStream(stream, answerBlock))
  },
  { listen: `/ip4/${address}/tcp/9200`, member },
)
let registering = Promise.resolve()
reportAt(hubPath, name, message => {
  const { repository, blobs, registryUrl } = message as BadPeerOrder
  for (const blob of blobs) {
    registering = registering.then(() => claim(`${registryUrl}/v2/${repository}/blobs/${blob.digest}`, blob))
  }
})

/** Its key is a new one each time, and nobody needs it afterwards. */
async function becomeMember(): Promise<RawMember> {
  await using scratch = await createScratchDirectory()
  const token = await readFile(tokenFile, 'utf8')
  const signal = AbortSignal.timeout(JOIN_TIMEOUT_MS)
  for (;;) {
    try {
      return await joinAsRawMember({ supernodeUrl, token, dataDir: join(scratch.path, 'data') }, { signal })
    } catch (error) {
      // The supernode may be away.
      if (signal.aborted) throw error
      await delay(RETRY_MS)
    }
  }
}

/** Registers, and says at the supernode that all of it is here. What fails is forgotten: other blobs come. */
async function claim(url: string, { digest, sizeBytes }: ChaosBlob): Promise<void> {
  try {
    const registration = await peer.register({ url: supernodeUrl }, url, digest)
    const { taskId, ticket } = registration
    const blockBytes = blockSizeFor(sizeBytes)
    const have = new Bitfield(Math.ceil(sizeBytes / blockBytes))
    for (let block = 0; block < Math.ceil(sizeBytes / blockBytes); block++) have.add(block)
    claims.set(taskId, { ticket, have: have.toBytes(), blockBytes })
    const [oldest] = claims.keys()
    if (claims.size > MAX_CLAIMS && oldest !== undefined) claims.delete(oldest)
    const stream = await openControl(registration)
    tell(stream, { type: 'join', task: taskId, ticket, have: have.toBytes() })
  } catch {
    await delay(RETRY_MS)
  }
}

async function openControl({ supernode }: RegistrationAnswer): Promise<RawStream> {
  if (control !== undefined && !control.closed) return control
  const stream = await peer.open(supernode, CONTROL_PROTOCOL, bytes => hearSupernode(bytes))
  tell(stream, { type: 'hello', addresses: [...peer.address.addresses], labels: {}, agent: 'chaos' })
  control = stream
  return stream
}

function tell(stream: RawStream | undefined, message: PeerToSupernode): void {
  stream?.send(encodeMessageFrame(peerToSupernodeCodec.encode(message)))
}

/** Whoever is to be a neighbour is accused of all that there is. */
function hearSupernode(bytes: Uint8Array): void {
  const message = supernodeToPeerCodec.decode(bytes)
  if (!lies || message.type !== 'connect') return
  for (const { id: about } of message.peers) {
    for (const kind of ['corrupt', 'stalled', 'unreachable'] as const) {
      tell(control, { type: 'report', task: message.task, about, kind })
    }
  }
}

function answerInventory(bytes: Uint8Array, self: RawStream): void {
  const message = inventoryCodec.decode(bytes)
  if (message.type !== 'join') return
  const claimed = claims.get(message.task)
  if (claimed === undefined) return
  const { task } = message
  say(self, { type: 'join', task, ticket: claimed.ticket, have: claimed.have })
  if (!lies) return
  say(self, { type: 'lost', task, blocks: [0] })
  say(self, { type: 'have', task, blocks: [0, 1, 2 ** 20] })
}

function say(stream: RawStream, message: InventoryMessage): void {
  stream.send(encodeMessageFrame(inventoryCodec.encode(message)))
}

function answerBlock(bytes: Uint8Array, self: RawStream): void {
  const message = blockRequestCodec.decode(bytes)
  if (!lies || message.type !== 'get') return
  const { blockBytes = 1 } = claims.get(message.task) ?? {}
  for (let of = 0; of < message.count; of++) {
    self.send(encodeDataHeader(message.id + of, blockBytes))
    self.send(new Uint8Array(blockBytes))
  }
}
