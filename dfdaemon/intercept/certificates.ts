import 'reflect-metadata'
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import {
  type CertificateAndKey,
  datesOf,
  privateKeyPem,
  randomSerialNumber,
  type Validity,
} from '../../lib/tls/certificate.ts'
import { encodeNameConstraints, NAME_CONSTRAINTS_OID } from './name-constraints.ts'

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

/**
 * Makes a certificate authority that can vouch for servers of these names only (RFC 5280 §4.2.1.9, §4.2.1.10): no further
 * authorities below it, no other purposes than servers.
 * @param hosts DNS names, which stand for those below them too, and IP addresses
 */
export async function makeCertificateAuthority(
  hosts: readonly string[],
  validity: Validity,
): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const serialNumber = randomSerialNumber()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    // Each node has one of its own; the number tells them apart in a list.
    name: `CN=Damselfly interception CA ${serialNumber.slice(0, 8)}, O=Damselfly`,
    ...datesOf(validity),
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new Extension(NAME_CONSTRAINTS_OID, true, encodeNameConstraints(hosts)),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: privateKeyPem(keys.privateKey) }
}

/**
 * Makes the certificate of one server with a key of its own. What the name constraints of the authority permit is not looked
 * at here; clients do.
 */
export async function makeLeaf(
  authority: CertificateAndKey,
  host: string,
  validity: Validity,
): Promise<CertificateAndKey> {
  const issuer = new X509Certificate(authority.certificate)
  const issuerKey = await importKeys(authority.key)
  const keys = await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerialNumber(),
    // Without a common name: some clients hold it against the name constraints.
    subject: 'O=Damselfly interception',
    issuer: issuer.subjectName,
    ...datesOf(validity),
    signingAlgorithm: SIGNATURE,
    publicKey: keys.publicKey,
    signingKey: issuerKey.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuerKey.publicKey),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: privateKeyPem(keys.privateKey) }
}

/** The name constraints of a certificate, in DER; undefined when it has none. */
export function nameConstraintsOf(certificate: string): Uint8Array | undefined {
  const value = new X509Certificate(certificate).getExtension(NAME_CONSTRAINTS_OID)?.value
  return value === undefined ? undefined : new Uint8Array(value)
}

async function importKeys(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const key = createPrivateKey(pem)
  const der = key.export({ type: 'pkcs8', format: 'der' })
  const publicDer = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', der, KEY, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', publicDer, KEY, true, ['verify']),
  }
}
