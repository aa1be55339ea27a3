import { join } from 'node:path'
import { Compile } from 'typebox/compile'
import type { Clock } from '../../lib/clock.ts'
import { createLifecycle, type Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import { MembershipAdmission } from '../../lib/p2p/admission/membership-admission.ts'
import { RecordStore } from '../../lib/record-store.ts'
import { CLOCK_TOLERANCE_MS } from '../../protocol/membership.ts'
import { BlockedId } from '../../protocol/messages/blocklist.ts'
import { type Expulsion, PeerIdField } from '../../protocol/messages/fields.ts'
import type { ClusterKey } from '../../protocol/signed-statement.ts'
import type { TaskId } from '../../protocol/task.ts'
import { Blocklist, BlockRecord } from '../blocklist/blocklist.ts'
import { ExpulsionRecord, Expulsions } from './expulsions.ts'
import { Member } from './member.ts'
import { Members } from './members.ts'
import { Membership, type TokenGate } from './membership.ts'
import { createOwnCredential } from './own-credential.ts'

/** Who belongs to the cluster, and what is blocked in it. */
export interface OpenMembership extends Startable {
  readonly membership: Membership
  readonly expulsions: Expulsions
  readonly blocklist: Blocklist
  /** What the supernode shows to peers, and whom it takes. */
  readonly admission: MembershipAdmission
}

export interface MembershipComponents {
  readonly clusterKey: ClusterKey
  readonly tokens: TokenGate
  readonly clock: Clock
  readonly logger: Logger
  readonly account: { refused(): void }
  /** Puts peers out of all swarms, or lets them in again. */
  readonly expel: (peers: readonly Expulsion[]) => void
  /** Has content deleted everywhere, and given to nobody. */
  readonly forbid: (task: TaskId) => Promise<void>
  readonly allow: (task: TaskId) => void
}

export interface MembershipInit {
  readonly dataDir: string
  /** The supernode's own PeerId. */
  readonly peer: string
  /** How long a credential lasts. */
  readonly lifetimeMs: number
  readonly forgetMs: number
}

/** A peer that is blocked is so until it is not any more. */
const FOREVER = Number.MAX_SAFE_INTEGER

/** Puts together what decides who takes part. */
export function createMembership(
  { clusterKey, tokens, clock, logger, account, expel, forbid, allow }: MembershipComponents,
  { dataDir, peer, lifetimeMs, forgetMs }: MembershipInit,
): OpenMembership {
  const graceMs = lifetimeMs + CLOCK_TOLERANCE_MS
  const place = (name: string) => ({ directory: join(dataDir, name), name })
  const expulsionRecords = new RecordStore(
    { logger },
    {
      ...place('expulsions'),
      key: Compile(PeerIdField),
      value: Compile(ExpulsionRecord),
      damaged: 'refused',
      advice: 'restore it, or delete it and revoke anew whom you have revoked of late',
    },
  )
  const blockRecords = new RecordStore(
    { logger },
    {
      ...place('blocklist'),
      key: Compile(BlockedId),
      value: Compile(BlockRecord),
      damaged: 'refused',
      advice: 'restore it, or delete it and block anew what you have blocked',
    },
  )
  const memberRecords = new RecordStore(
    { logger },
    {
      ...place('members'),
      key: Compile(PeerIdField),
      value: Compile(Member),
      damaged: 'dropped',
      advice: 'those nodes have to join again, with new tokens',
    },
  )
  const expulsions = new Expulsions({
    records: expulsionRecords,
    clock,
    changed: expulsion => expel([expulsion]),
  })
  const blocklist = new Blocklist({
    records: blockRecords,
    clock,
    listener: {
      peerBlocked: id => expulsions.add({ id, until: FOREVER }),
      peerUnblocked: id => expulsions.lift(id),
      taskBlocked: forbid,
      taskUnblocked: allow,
    },
  })
  const members = new Members({ records: memberRecords, clusterKey, clock, logger }, { lifetimeMs, forgetMs })
  const membership = new Membership({ members, expulsions, blocklist, tokens, clock }, { graceMs })
  const admission = new MembershipAdmission({ clock, logger, account }, { peer, clusterKey: clusterKey.publicKey })
  const own = createOwnCredential({ admission, clusterKey, clock }, { peer, lifetimeMs })
  return { ...createLifecycle([expulsions, blocklist, members, own]), membership, expulsions, blocklist, admission }
}
