/*
 * A stranger: node stranger-main.ts HUB NAME SUPERNODE. It has joined nothing, and dials everybody again and again: without any
 * credential, and with one that it has signed itself. It asks the supernode's API, too. It says when it gets anything.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Agent, request } from 'undici'
import { createLibp2pNode } from '../../../lib/p2p/libp2p-node.ts'
import type { P2pNode } from '../../../lib/p2p/p2p-node.ts'
import { keysOfSeed } from '../../../protocol/ed25519-seed.ts'
import { signMembership } from '../../../protocol/membership.ts'
import { BLOCK_PROTOCOL, CONTROL_PROTOCOL, INVENTORY_PROTOCOL } from '../../../protocol/protocol-ids.ts'
import { MEMBERSHIP_LIFE_MS } from '../../helpers/membership.ts'
import { reportAt, timeNow } from '../cluster/lines.ts'
import type { Intrusion, StrangerOrder } from './stranger-words.ts'

const PAUSE_MS = 500
const PATIENCE_MS = 3_000
const PROTOCOLS = [CONTROL_PROTOCOL, INVENTORY_PROTOCOL, BLOCK_PROTOCOL]
const PATHS = ['/api/v1/cluster', '/api/v1/tasks', '/api/v1/members', '/api/v1/peers']

const [, , hubPath = '', name = '', supernodeUrl = ''] = process.argv
// It does not mind who the supernode says it is.
const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
const nodes = [await startWithout(), await startForged()]
let dialling = Promise.resolve()
const post = reportAt(hubPath, name, message => {
  const { peers } = message as StrangerOrder
  dialling = dialling.then(() => dialAll(peers))
})

async function dialAll(peers: StrangerOrder['peers']): Promise<void> {
  for (let round = 0; ; round++) {
    const protocol = PROTOCOLS[round % PROTOCOLS.length] ?? ''
    await Promise.all(
      peers.flatMap(peer =>
        nodes.map(node =>
          tell(`a stream of ${protocol} with ${peer.addresses[0]}`, async signal => {
            await node.dial(peer, protocol, { signal })
            return true
          }),
        ),
      ),
    )
    await tell('an answer of the API', async signal => {
      const url = `${supernodeUrl}${PATHS[round % PATHS.length]}`
      const { statusCode, body } = await request(url, { dispatcher, signal })
      await body.dump()
      return statusCode < 400
    })
    await delay(PAUSE_MS)
  }
}

/** Tries something, and tells when it works. */
async function tell(what: string, attempt: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
  const got = await attempt(AbortSignal.timeout(PATIENCE_MS)).catch(() => false)
  if (got) post.say({ at: timeNow(), what } satisfies Intrusion)
}

async function startWithout(): Promise<P2pNode> {
  const node = await createLibp2pNode({ privateKey: await generateKeyPair('Ed25519'), listen: [] })
  await node.start()
  return node
}

async function startForged(): Promise<P2pNode> {
  const privateKey = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(privateKey).toString()
  const [issuedAt, expiresAt] = [Date.now(), Date.now() + MEMBERSHIP_LIFE_MS]
  const credential = signMembership({ peer, issuedAt, expiresAt }, keysOfSeed(randomBytes(32)))
  const admission = {
    own: () => credential,
    check: () => ({ expiresAt: Number.MAX_SAFE_INTEGER }),
    onRenewed: () => () => {},
    refused() {},
  }
  const node = await createLibp2pNode({ privateKey, listen: [], admission })
  await node.start()
  return node
}
