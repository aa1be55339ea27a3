import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { ensurePrivateDirectory, writeFileAtomically } from '../../lib/fs.ts'
import type { Logger } from '../../lib/logger.ts'
import { OPEN_TO_OTHERS, readOwnFile, WRITABLE_BY_OTHERS } from '../../lib/own-file.ts'
import type { CertificateAndKey } from '../../lib/tls/certificate.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { makeCertificateAuthority, makeLeaf, nameConstraintsOf } from './certificates.ts'
import { decodeNameConstraints, type PermittedHosts } from './name-constraints.ts'

/** Vouches for the hosts that are intercepted. */
export interface CertificateAuthority {
  /** PEM, for clients to trust. */
  readonly certificate: string
  /** A new certificate and key for one host, and when they should be replaced. @throws DamselflyError DENIED */
  issue(host: string): Promise<CertificateAndKey & { readonly renewAfterMs: number }>
}

export interface CertificateAuthorityInit {
  /** Holds `ca.key` and `ca.crt`. */
  readonly directory: string
  /** DNS names, which stand for those below them too, and IP addresses. */
  readonly hosts: readonly string[]
  /** Replace an authority that cannot serve these hosts, instead of failing. */
  readonly renew: boolean
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const AUTHORITY_LIFE_MS = 3_652 * DAY_MS
/** From when on an authority that runs out is warned about. */
const AUTHORITY_WARNING_MS = 60 * DAY_MS
const LEAF_LIFE_MS = 2 * DAY_MS
/** For clients whose clock is slow. */
const BACK_DATED_MS = HOUR_MS

/**
 * The certificate authority of this node: made at first use, the same ever after, so that clients need to be told once.
 * @throws DamselflyError CONFIG_INVALID when the one on disk cannot serve the hosts and `renew` is off, or is not safe to use
 */
export async function openCertificateAuthority(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  { directory, hosts, renew }: CertificateAuthorityInit,
): Promise<CertificateAuthority> {
  await ensurePrivateDirectory(directory)
  const stored = await readAuthority(directory)
  let current = stored
  const problem = stored === undefined ? undefined : problemOf(stored, hosts, clock.wallTime())
  if (problem !== undefined && !renew) {
    throw new DamselflyError(
      'CONFIG_INVALID',
      `the certificate authority in ${directory} ${problem}; to have a new one made, start with --intercept-renew-ca, then give clients the new ca.crt`,
    )
  }
  if (stored === undefined || problem !== undefined) {
    current = await createAuthority(directory, hosts, clock.wallTime())
    logger.info({ path: join(directory, 'ca.crt'), hosts }, 'made a certificate authority; clients have to trust it')
  }
  if (current === undefined) throw new DamselflyError('INTERNAL')
  return certificateAuthority(current, clock, logger)
}

function certificateAuthority(own: CertificateAndKey, clock: Clock, logger: Logger): CertificateAuthority {
  const { validToDate } = new X509Certificate(own.certificate)
  const permitted = permittedHosts(own.certificate)
  if (validToDate.getTime() - clock.wallTime() < AUTHORITY_WARNING_MS) {
    logger.warn({ validTo: validToDate.toISOString() }, 'the certificate authority of the interception runs out soon')
  }
  return {
    certificate: own.certificate,
    async issue(host) {
      if (permitted?.permits(host) !== true) {
        throw new DamselflyError('DENIED', `the certificate authority does not cover ${host}`)
      }
      const nowMs = clock.wallTime()
      const notAfterMs = Math.min(nowMs + LEAF_LIFE_MS, validToDate.getTime())
      const leaf = await makeLeaf(own, host, { notBeforeMs: nowMs - BACK_DATED_MS, notAfterMs })
      return { ...leaf, renewAfterMs: Math.max(0, notAfterMs - nowMs) / 2 }
    },
  }
}

/** Undefined when there is none. A key alone has never vouched for anything, so it counts as none. */
async function readAuthority(directory: string): Promise<CertificateAndKey | undefined> {
  const advice = 'remove it and ca.crt to have new ones made'
  const certificate = await readOwnFile(join(directory, 'ca.crt'), { forbiddenMode: WRITABLE_BY_OTHERS, advice })
  if (certificate === undefined) return undefined
  const key = await readOwnFile(join(directory, 'ca.key'), { forbiddenMode: OPEN_TO_OTHERS, advice })
  return { certificate: certificate.toString(), key: key?.toString() ?? '' }
}

async function createAuthority(directory: string, hosts: readonly string[], nowMs: number): Promise<CertificateAndKey> {
  const validity = { notBeforeMs: nowMs - BACK_DATED_MS, notAfterMs: nowMs + AUTHORITY_LIFE_MS }
  const made = await makeCertificateAuthority(hosts, validity)
  await writeFileAtomically(join(directory, 'ca.key'), made.key, 0o600)
  await writeFileAtomically(join(directory, 'ca.crt'), made.certificate, 0o644)
  return made
}

/** Why an authority cannot be used for these hosts; undefined when it can. */
function problemOf({ certificate, key }: CertificateAndKey, hosts: readonly string[], nowMs: number) {
  if (key === '') return 'has lost its key'
  let parsed: X509Certificate
  try {
    parsed = new X509Certificate(certificate)
    if (!parsed.ca || !parsed.checkPrivateKey(createPrivateKey(key))) return 'is none, or its key is not that of ca.crt'
  } catch {
    return 'cannot be read'
  }
  if (parsed.validToDate.getTime() <= nowMs) return `ran out on ${parsed.validToDate.toISOString()}`
  const permitted = permittedHosts(certificate)
  if (permitted === undefined) return 'is not limited to certain hosts (name constraints)'
  const uncovered = hosts.filter(host => !permitted.permits(host))
  return uncovered.length === 0 ? undefined : `does not cover ${uncovered.join(', ')}`
}

function permittedHosts(certificate: string): PermittedHosts | undefined {
  const value = nameConstraintsOf(certificate)
  return value === undefined ? undefined : decodeNameConstraints(value)
}
