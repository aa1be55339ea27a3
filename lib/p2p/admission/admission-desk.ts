import type { Libp2p } from 'libp2p'
import { LRUCache } from 'lru-cache'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Startable } from '../../lifecycle.ts'
import { AdmittedPeers } from './admitted-peers.ts'
import { memberRecords, nothingToShow } from './member-records.ts'
import { MembershipUpkeep } from './membership-upkeep.ts'
import type { PeerAdmission } from './peer-admission.ts'

/** Peers of which it is remembered what became of their last handshake. */
const MAX_OUTCOMES = 256

/** All that a libp2p node needs so that only members have connections to it. */
export interface AdmissionDesk {
  readonly encrypter: ReturnType<typeof memberRecords>
  /** What keeps the connections of a node alive, and ends them. */
  upkeepOf(libp2p: Libp2p): Startable
  /**
   * Lets somebody dial a peer that there is no connection to.
   * @param isConnected whether there is one when that has failed
   * @throws DamselflyError NOT_A_MEMBER when this node or that peer is none, instead of what libp2p makes of it
   */
  dialling<T>(peer: string, dial: () => Promise<T>, isConnected: () => boolean): Promise<T>
}

/** Admits to a node whom an admission admits. */
export function createAdmissionDesk({
  admission,
  clock,
}: {
  readonly admission: PeerAdmission
  readonly clock: Clock
}): AdmissionDesk {
  const members = new AdmittedPeers()
  const outcomes = new LRUCache<string, DamselflyError | 'admitted'>({ max: MAX_OUTCOMES })
  return {
    encrypter: memberRecords({
      admission,
      admitted(peer, expiresAt, told) {
        outcomes.set(peer, 'admitted')
        members.admit(peer, expiresAt, told)
      },
      refused(peer, error) {
        outcomes.set(peer, error)
        admission.refused(peer, error)
      },
    }),
    upkeepOf: libp2p => new MembershipUpkeep({ libp2p, admission, members, clock }),
    async dialling(peer, dial, isConnected) {
      if (admission.own() === undefined) throw nothingToShow()
      outcomes.delete(peer)
      try {
        return await dial()
      } catch (error) {
        const outcome = outcomes.get(peer)
        // libp2p does not wait until the other end has agreed, so its refusal comes when the first stream is opened.
        throw outcome === 'admitted' ? (isConnected() ? error : refusedByOther(error)) : (outcome ?? error)
      }
    },
  }
}

function refusedByOther(cause: unknown): DamselflyError {
  return new DamselflyError(
    'NOT_A_MEMBER',
    'the other node ended the connection when it had seen the credential of this one; see in its log why, and set the clocks of both',
    { cause },
  )
}
