import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../../lib/clock.ts'
import { writeFileAtomically } from '../../lib/fs.ts'
import type { Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import type { CertificateAndKey } from '../../lib/tls/certificate.ts'
import { clusterCertificate, issueServerCertificate } from '../../lib/tls/cluster-certificates.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { ClusterKey } from '../../protocol/signed-statement.ts'

/** The certificate of an HTTPS server, which is replaced now and then. */
export interface ServerCertificate extends Startable {
  /** The first one, for the server to start with. */
  readonly initial: CertificateAndKey
}

export interface ServerCertificateComponents {
  readonly clusterKey: ClusterKey
  readonly clock: Clock
  readonly logger: Logger
  /** Takes each that follows, for connections that are made from then on. */
  readonly replaced: (certificate: CertificateAndKey) => void
}

/** Where it comes from. */
export interface ServerCertificateInit {
  /** Files of the operator's own certificate and key, in PEM; empty for one that the cluster's key signs. */
  readonly certFile: string
  readonly keyFile: string
  /** Host that the server listens on. */
  readonly host: string
  readonly dataDir: string
}

/** The cluster's certificate, in the data directory: what browsers, curl and Prometheus know the API by. No secret. */
const CLUSTER_FILE = 'cluster.crt'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const LIFE_MS = 30 * DAY_MS
/** For members whose clock is slow. */
const BACK_DATED_MS = DAY_MS
const RENEW_MS = 7 * DAY_MS
/** How often the operator's files are looked at. */
const REREAD_MS = HOUR_MS

/** @throws DamselflyError CONFIG_INVALID for files that are no certificate and its key */
export async function createServerCertificate(
  { clusterKey, clock, logger, replaced }: ServerCertificateComponents,
  init: ServerCertificateInit,
): Promise<ServerCertificate> {
  const { certFile, keyFile, host, dataDir } = init
  if ((certFile === '') !== (keyFile === '')) {
    throw new DamselflyError('CONFIG_INVALID', 'http.certFile and http.keyFile belong together; give both or none')
  }
  const isOwn = certFile !== ''
  const names = [...new Set([host, hostname(), 'localhost', '127.0.0.1', '::1'])].filter(isName)

  async function issue(): Promise<CertificateAndKey> {
    if (isOwn) return readOwn(certFile, keyFile)
    const now = clock.wallTime()
    return issueServerCertificate(clusterKey, names, { notBeforeMs: now - BACK_DATED_MS, notAfterMs: now + LIFE_MS })
  }

  const initial = await issue()
  let current = initial
  let cancel = () => {}

  async function renew(): Promise<void> {
    try {
      const next = await issue()
      if (next.certificate === current.certificate) return
      current = next
      replaced(next)
      logger.info({}, 'the certificate of the API was replaced')
    } catch (error) {
      logger.error({ error }, 'the certificate of the API could not be replaced; the old one stays')
    }
  }

  return {
    initial,
    async start() {
      cancel()
      await writeFileAtomically(join(dataDir, CLUSTER_FILE), await clusterCertificate(clusterKey), 0o644)
      cancel = clock.every(isOwn ? REREAD_MS : RENEW_MS, () => void renew())
    },
    async stop() {
      cancel()
    },
  }
}

/** What an address listens on is no name when it stands for all. */
function isName(host: string): boolean {
  return host !== '' && host !== '0.0.0.0' && host !== '::'
}

async function readOwn(certFile: string, keyFile: string): Promise<CertificateAndKey> {
  try {
    const [certificate, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
    createSecureContext({ cert: certificate, key })
    return { certificate, key }
  } catch (error) {
    throw new DamselflyError(
      'CONFIG_INVALID',
      `${certFile} and ${keyFile} are not a certificate and its key in PEM: ${(error as Error).message}`,
      { cause: error },
    )
  }
}
