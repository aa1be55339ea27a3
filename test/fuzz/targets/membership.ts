import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Connection, MessageStream, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Libp2p } from 'libp2p'
import { silentLogger } from '../../../lib/logger.ts'
import { AdmittedPeers } from '../../../lib/p2p/admission/admitted-peers.ts'
import { showCredentials } from '../../../lib/p2p/admission/member-records.ts'
import { MembershipAdmission } from '../../../lib/p2p/admission/membership-admission.ts'
import { MembershipUpkeep } from '../../../lib/p2p/admission/membership-upkeep.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { CLOCK_TOLERANCE_MS, createMembershipVerifier } from '../../../protocol/membership.ts'
import { importClusterKey, openStatement, signStatement } from '../../../protocol/signed-statement.ts'
import { formatToken, isTokenId, parseToken } from '../../../protocol/token.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { CLUSTER, credentialOf, OTHER_CLUSTER } from '../../helpers/membership.ts'
import { asUtf8, refusing, refusingLater } from '../engine/expected.ts'
import { inPieces } from '../engine/pieces.ts'
import { mutateCbor } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'
import { FedStream, untilEnded } from './fed-stream.ts'

const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const OTHER = '12D3KooWEaKzmvT1Jod2gKVgGnxDfNTDa3SfiEHJz8aWjQC8zDUR'
const SIGNATURE_BYTES = 64
const clock = createManualClock()
const NOW = clock.wallTime()
const genuine = credentialOf(PEER, NOW)
const STATEMENT_KEY = importClusterKey(CLUSTER.publicKey)

const token = pureTarget(
  {
    name: 'token',
    about: 'tokens that people type and clients show',
    maxBytes: 512,
    dictionary: ['dmsl_', '_', '0a'.repeat(6), '0b'.repeat(24), '0c'.repeat(32), 'A', '\n', 'é'],
    seeds: () =>
      [CLUSTER.publicKey, undefined].map(clusterKey =>
        Buffer.from(formatToken({ id: '0a'.repeat(6), secret: '0b'.repeat(24), clusterKey })),
      ),
  },
  input => {
    const text = asUtf8(input)
    const read = parseToken(text)
    if (read === undefined) return
    assert.equal(formatToken(read), text)
    assert(isTokenId(read.id))
  },
)

/** All of them begin with the claims: with this cluster's signature, or with what the input has in its place. */
const membership = pureTarget(
  {
    name: 'membership',
    about: 'membership credentials, as they are shown and with a good signature',
    maxBytes: 2048,
    seeds: () => [genuine, credentialOf(OTHER, NOW), credentialOf(PEER, NOW, {}, OTHER_CLUSTER)],
    mutate: (random, input) => {
      const claims = mutateCbor(random, input.subarray(0, -SIGNATURE_BYTES))
      return claims && Buffer.concat([claims, input.subarray(-SIGNATURE_BYTES)])
    },
  },
  input => {
    const verifier = createMembershipVerifier(CLUSTER.publicKey)
    const verify = (shown: Uint8Array) => refusing(['NOT_A_MEMBER'], () => verifier.verify(shown, { peer: PEER }, NOW))
    // Only what the cluster has signed is one of its credentials.
    if (verify(input) !== undefined) assert.deepEqual(Buffer.from(input), Buffer.from(genuine))
    const claims = input.subarray(0, -SIGNATURE_BYTES)
    const signed = verify(signStatement('damselfly membership 1', claims, CLUSTER))
    if (signed === undefined) return
    assert.equal(signed.peer, PEER)
    assert(signed.issuedAt - CLOCK_TOLERANCE_MS <= NOW && NOW <= signed.expiresAt + CLOCK_TOLERANCE_MS)
  },
)

const clusterKey = pureTarget(
  {
    name: 'cluster-key',
    about: "clusters' public keys, and statements under them",
    maxBytes: 512,
    dictionary: ['=', '-', '_', 'A', '/', '+'],
    seeds: () => [Buffer.from(CLUSTER.publicKey), Buffer.from(OTHER_CLUSTER.publicKey)],
  },
  input => {
    const text = asUtf8(input)
    const verifier = refusing(['NOT_A_MEMBER'], () => createMembershipVerifier(text))
    const claims = refusing(['NOT_A_MEMBER'], () => verifier?.verify(genuine, { peer: PEER }, NOW))
    // base64url has several spellings of the same bytes.
    if (claims !== undefined) {
      assert.deepEqual(Buffer.from(text, 'base64url'), Buffer.from(CLUSTER.publicKey, 'base64url'))
    }
  },
)

function createAdmission(): MembershipAdmission {
  const components = { clock, logger: silentLogger(), account: { refused() {} } }
  const admission = new MembershipAdmission(components, { peer: OTHER, clusterKey: CLUSTER.publicKey })
  admission.renew(credentialOf(OTHER, NOW))
  return admission
}

function shown(credential: Uint8Array): Uint8Array {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(credential.length)
  return Buffer.concat([length, credential])
}

const SHOWN = {
  maxBytes: 4096,
  dictionary: ['0000', '0001', '0400', '0401', 'ffff'].map(hex => Buffer.from(hex, 'hex')),
  seeds: () => [
    shown(genuine),
    Buffer.concat([shown(genuine), Buffer.from('what follows')]),
    shown(credentialOf(OTHER, NOW)),
    shown(credentialOf(PEER, 0)),
  ],
}

/** Whether bytes begin with the one credential that is good, as it has to be shown. */
function showsGenuine(input: Uint8Array): boolean {
  const whole = shown(genuine)
  return Buffer.from(whole).equals(Buffer.from(input.subarray(0, whole.length)))
}

const handshake: FuzzTarget = {
  name: 'member-handshake',
  about: 'what the other end shows right after the handshake, and what follows it',
  ...SHOWN,
  async open() {
    const admission = createAdmission()
    const own = admission.own() ?? new Uint8Array(0)
    const remotePeer = peerIdFromString(PEER)
    return {
      async run(input) {
        const stream = new FedStream()
        const seen: string[] = []
        const init = { admission, admitted: () => seen.push('admitted'), refused: () => seen.push('refused') }
        const ended = new AbortController()
        const connection = stream as MessageStream
        const behind: Uint8Array[] = []
        const showing = refusingLater(['NOT_A_MEMBER'], async () => {
          await showCredentials({ connection, remotePeer }, own, init, ended.signal)
          // What came behind goes to whoever listens next.
          stream.addEventListener('message', ({ data }) => behind.push(data.slice()))
          return 'admitted'
        })
        for (const piece of inPieces(input)) stream.feed(piece)
        await nextTurn()
        stream.feedEnd()
        const outcome = await showing
        await nextTurn()
        assert.equal(outcome === 'admitted', showsGenuine(input))
        assert.deepEqual(seen, [outcome ?? 'refused'])
        const expected = outcome === 'admitted' ? input.subarray(shown(genuine).length) : []
        assert.deepEqual(Buffer.concat(behind), Buffer.from(expected))
        stream.abort(new Error('done'))
      },
    }
  },
}

const renewal: FuzzTarget = {
  name: 'member-renewal',
  about: 'what a connected peer shows in place of a credential that ends',
  ...SHOWN,
  async open() {
    const members = new AdmittedPeers()
    const remotePeer = peerIdFromString(PEER)
    let receive: (stream: Stream, connection: Connection) => void = () => {}
    const aborted: Error[] = []
    const connection = { remotePeer, abort: (error: Error) => aborted.push(error) } as unknown as Connection
    const libp2p = {
      addEventListener() {},
      removeEventListener() {},
      getConnections: () => [connection],
      unhandle: async () => {},
      handle: async (_protocol: string, handler: typeof receive) => {
        receive = handler
      },
    } as unknown as Libp2p
    const upkeep = new MembershipUpkeep({ libp2p, admission: createAdmission(), members, clock })
    await upkeep.start()
    return {
      async run(input) {
        members.admit(PEER, NOW, genuine)
        const stream = new FedStream()
        receive(stream as unknown as Stream, connection)
        for (const piece of inPieces(input)) stream.feed(piece)
        stream.feedEnd()
        await untilEnded(stream)
        const error = aborted.pop()
        if (error !== undefined) assert(error instanceof DamselflyError && error.code === 'NOT_A_MEMBER')
        if (showsGenuine(input)) assert.equal(error, undefined)
        // It is a member for longer only by a credential that is good for longer.
        const isLonger = members.takeExpired(NOW + 1).length === 0
        assert.equal(isLonger, showsGenuine(input))
        members.takeExpired(Number.POSITIVE_INFINITY)
      },
      close: () => upkeep.stop(),
    }
  },
}

const statement = pureTarget(
  {
    name: 'signed-statement',
    about: 'statements of one kind in place of one of another kind',
    maxBytes: 2048,
    seeds: () => [
      genuine,
      signStatement('damselfly ticket 1', Buffer.from('says this'), CLUSTER),
      signStatement('damselfly membership 1', new Uint8Array(0), CLUSTER),
    ],
  },
  input => {
    const kinds = ['damselfly ticket 1', 'damselfly membership 1'] as const
    const opened = kinds.filter(kind => openStatement(kind, input, STATEMENT_KEY) !== undefined)
    assert(opened.length <= 1, 'a statement of two kinds')
  },
)

/** Who may have a connection, and how it proves that. */
export const MEMBERSHIP_TARGETS: readonly FuzzTarget[] = [token, membership, clusterKey, statement, handshake, renewal]
