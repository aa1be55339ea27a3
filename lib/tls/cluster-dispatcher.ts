import type { KeyObject } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { DamselflyError } from '../../protocol/errors.ts'
import { importClusterKey } from '../../protocol/signed-statement.ts'
import type { CertificateAndKey } from './certificate.ts'

/** Whom a client talks to, and who it is. */
export interface ClusterDispatcherInit {
  /** The cluster's Ed25519 public key, base64url; without one only what the system trusts will do. */
  readonly clusterKey?: string | undefined
  /** What it shows of itself; nothing by default. */
  readonly certificate?: CertificateAndKey | undefined
}

/** A server is not talked to because of its certificate. */
export class CertificateRefusal extends Error {
  override readonly name = 'CertificateRefusal'
  /** `clock`: it would do at another time; `other`: it never does. */
  readonly kind: 'clock' | 'other'

  constructor(message: string, kind: CertificateRefusal['kind']) {
    super(message)
    this.kind = kind
  }
}

const CONNECT_TIMEOUT_MS = 3_000

/**
 * HTTPS connections to servers of one cluster, and to nobody else: the server's certificate must be signed by the cluster's key, or be
 * one for its name that the system trusts, for supernodes behind an operator's own certificate. That is looked at before anything is
 * sent. Other connections fail with an error that says why.
 * @throws DamselflyError TOKEN_INVALID for a key that is none
 */
export function createClusterDispatcher({ clusterKey, certificate }: ClusterDispatcherInit): Dispatcher {
  const pinned = clusterKey === undefined ? undefined : publicKeyOf(clusterKey)
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    allowH2: false,
    // A session that is taken up again shows no certificate.
    maxCachedSessions: 0,
    // Looked at below.
    rejectUnauthorized: false,
    ...(certificate && { cert: certificate.certificate, key: certificate.key }),
  })
  return new Agent({
    connect(target, callback) {
      connect(target, (...outcome) => {
        const [error, socket] = outcome
        if (error !== null) return callback(error, null)
        const problem = target.protocol === 'https:' ? problemOf(socket as TLSSocket, pinned) : other('it is not https')
        if (problem === undefined) return callback(null, socket)
        socket.destroy()
        const { what, kind } = problem
        return callback(new CertificateRefusal(`${target.host ?? ''}: ${what}`, kind), null)
      })
    },
  })
}

interface Problem {
  readonly what: string
  readonly kind: CertificateRefusal['kind']
}

function other(what: string): Problem {
  return { what, kind: 'other' }
}

function problemOf(socket: TLSSocket, pinned: KeyObject | undefined): Problem | undefined {
  // By the rules of the web: a chain to an authority that the system trusts, and the server's name.
  if (socket.authorized) return undefined
  if (pinned === undefined) {
    return other(
      'its certificate is not one that this system trusts; a token tells which one is right: give --token-file with one that "supernode token create --role viewer" makes',
    )
  }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return other('it shows no certificate')
  if (!certificate.verify(pinned)) {
    return other('its certificate is not of this cluster; join it with a token of this supernode')
  }
  const now = Date.now()
  const question = 'is the clock of this node right?'
  if (now > certificate.validToDate.getTime()) {
    return { what: `its certificate has expired; ${question}`, kind: 'clock' }
  }
  if (now < certificate.validFromDate.getTime()) {
    return { what: `its certificate is not valid yet; ${question}`, kind: 'clock' }
  }
  return undefined
}

function publicKeyOf(clusterKey: string): KeyObject {
  try {
    return importClusterKey(clusterKey)
  } catch (error) {
    throw new DamselflyError('TOKEN_INVALID', 'the cluster key is not an Ed25519 public key', { cause: error })
  }
}
