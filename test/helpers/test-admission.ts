import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import { MembershipAdmission } from '../../lib/p2p/admission/membership-admission.ts'
import type { P2pNode } from '../../lib/p2p/p2p-node.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import type { ClusterKey } from '../../protocol/signed-statement.ts'
import { type ExchangeNode, startExchangeNode } from './block-exchange.ts'
import { CLUSTER, credentialOf } from './membership.ts'

/** An admission that also shows what is no credential of its node. */
export interface TestAdmission extends MembershipAdmission {
  /** Who was refused, and why. */
  readonly refusals: { readonly peer: string; readonly error: Error }[]
  /** What it was shown, so far. */
  readonly shown: { readonly peer: string; readonly bytes: Uint8Array }[]
  /** Is called when something is shown. */
  beforeCheck: () => void
  /** Shows this from now on, whatever it is. */
  show(shown: Uint8Array | undefined): void
}

/** The admission of a node that shows a good credential until it is told to show something else. */
export function createTestAdmission(peer: string, clock: { wallTime(): number }, clusterKey = CLUSTER): TestAdmission {
  return new (class extends MembershipAdmission {
    readonly shown: { peer: string; bytes: Uint8Array }[] = []
    readonly refusals: { peer: string; error: Error }[] = []
    #shown: { readonly bytes: Uint8Array | undefined } | undefined

    constructor() {
      const account = { refused() {} }
      super({ clock, logger: silentLogger(), account }, { peer, clusterKey: clusterKey.publicKey })
      this.renew(credentialOf(peer, clock.wallTime(), {}, clusterKey))
    }

    show(bytes: Uint8Array | undefined): void {
      this.#shown = { bytes }
    }

    beforeCheck = () => {}

    override check(shownBy: string, bytes: Uint8Array) {
      this.shown.push({ peer: shownBy, bytes })
      this.beforeCheck()
      return super.check(shownBy, bytes)
    }

    override own(): Uint8Array | undefined {
      return this.#shown === undefined ? super.own() : this.#shown.bytes
    }

    override refused(refusedPeer: string, error: Error): void {
      super.refused(refusedPeer, error)
      this.refusals.push({ peer: refusedPeer, error })
    }
  })()
}

/** A node that serves blocks to members of its cluster, and asks them for blocks. */
export interface MemberNode {
  readonly exchange: ExchangeNode
  readonly node: P2pNode
  readonly address: PeerAddress
  readonly peer: string
  readonly admission: TestAdmission
}

export interface MemberInit {
  readonly clock?: Clock
  readonly clusterKey?: ClusterKey
}

/** Starts a member on the loopback, which ends with the stack. */
export async function startMember(
  stack: AsyncDisposableStack,
  { clock = systemClock, clusterKey = CLUSTER }: MemberInit = {},
): Promise<MemberNode> {
  const privateKey = await generateKeyPair('Ed25519')
  const peer = peerIdFromPrivateKey(privateKey).toString()
  const admission = createTestAdmission(peer, clock, clusterKey)
  const exchange = stack.use(await startExchangeNode({ p2p: { privateKey, admission, clock } }))
  return { exchange, node: exchange.node, address: exchange.address, peer, admission }
}

/** Fetches a block from one node for another. @throws what the client throws, and Error for a wrong block */
export async function fetchBlock(from: ExchangeNode, to: ExchangeNode): Promise<void> {
  const client = to.client(from)
  try {
    const want = { ...to.want(), block: 0, maxBytes: from.block.length }
    const got = await client.fetch(want, { signal: AbortSignal.timeout(20_000) })
    const right = Buffer.compare(got.bytes, from.block) === 0
    got.release()
    if (!right) throw new Error('another block came')
  } finally {
    client.close()
  }
}
