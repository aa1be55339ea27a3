import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import { DamselflyError } from '../../../protocol/errors.ts'
import { MEMBER_RECORDS_PROTOCOL } from '../../../protocol/protocol-ids.ts'
import { noiseRecords } from '../records/noise-records.ts'
import { createCredentialChannel } from './credential-channel.ts'
import type { PeerAdmission } from './peer-admission.ts'

/** What a node has to show for itself goes along with the handshake; whoever takes longer is not admitted. */
const SHOW_DEADLINE_MS = 5_000

export interface MemberRecordsInit {
  readonly admission: Pick<PeerAdmission, 'own' | 'check'>
  /** A peer has shown that it may have a connection, until then. @param told what it was shown */
  readonly admitted: (peer: string, expiresAt: number, told: Uint8Array) => void
  /** A peer has shown something else, or nothing. */
  readonly refused: (peer: string, error: DamselflyError) => void
  /** For tests. */
  readonly deadlineMs?: number
}

type Components = Parameters<ReturnType<typeof noiseRecords>>[0]

/**
 * `noiseRecords` for members only: as soon as the ends know each other's identity, and before anything else, each shows the other
 * what admits it. Unless both are content the connection ends, without any protocol having been spoken.
 */
export function memberRecords(init: MemberRecordsInit): (components: Components) => ConnectionEncrypter {
  return components => {
    const records = noiseRecords(MEMBER_RECORDS_PROTOCOL)(components)

    async function admit(
      connection: MessageStream,
      secure: (options: SecureConnectionOptions) => Promise<SecuredConnection>,
      options: SecureConnectionOptions = {},
    ): Promise<SecuredConnection> {
      const over = new AbortController()
      const end = () => over.abort(new Error('the other end has closed the connection'))
      const signal = options.signal ? AbortSignal.any([options.signal, over.signal]) : over.signal
      connection.addEventListener('close', end)
      try {
        const own = init.admission.own()
        if (own === undefined) throw nothingToShow()
        if (connection.status !== 'open') end()
        const secured = await secure({ ...options, signal })
        await showCredentials(secured, own, init, signal)
        return secured
      } catch (error) {
        connection.abort(error as Error)
        throw error
      } finally {
        connection.removeEventListener('close', end)
      }
    }

    return {
      protocol: MEMBER_RECORDS_PROTOCOL,
      secureOutbound: (connection, options) =>
        admit(connection, ending => records.secureOutbound(connection, ending), options),
      secureInbound: (connection, options) =>
        admit(connection, ending => records.secureInbound(connection, ending), options),
    }
  }
}

/** Shows the other end what admits this one, and looks at what it shows. @throws DamselflyError NOT_A_MEMBER */
export async function showCredentials(
  { connection, remotePeer }: Pick<SecuredConnection, 'connection' | 'remotePeer'>,
  own: Uint8Array,
  { admission, admitted, refused, deadlineMs = SHOW_DEADLINE_MS }: MemberRecordsInit,
  ended: AbortSignal,
): Promise<void> {
  const peer = remotePeer.toString()
  const deadline = AbortSignal.timeout(deadlineMs)
  const signal = AbortSignal.any([deadline, ended])
  const channel = createCredentialChannel(connection)
  try {
    const [shown] = await Promise.all([channel.read({ signal }), channel.write(own, { signal })])
    const { expiresAt } = admission.check(peer, shown)
    admitted(peer, expiresAt, own)
    channel.leave()
  } catch (thrown) {
    const error = thrown instanceof DamselflyError ? thrown : notShown(thrown, deadline.aborted)
    refused(peer, error)
    throw error
  }
}

/** What a node without a credential is told when it dials. */
export function nothingToShow(): DamselflyError {
  return new DamselflyError(
    'NOT_A_MEMBER',
    'this node has no membership credential; have it join the cluster, and see whether it reaches its supernode',
  )
}

function notShown(thrown: unknown, late: boolean): DamselflyError {
  const what = late ? 'it has shown no credential in time' : 'it has shown no credential, or refuses that of this node'
  return new DamselflyError('NOT_A_MEMBER', `${what}; have both join the same cluster, and set their clocks`, {
    cause: thrown,
  })
}
