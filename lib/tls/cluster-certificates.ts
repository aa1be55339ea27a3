import 'reflect-metadata'
import { createHash, createPublicKey, type KeyObject, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { Ed25519Keys } from '../../protocol/ed25519-seed.ts'
import {
  type CertificateAndKey,
  datesOf,
  privateKeyPem,
  randomSerialNumber,
  serialNumberOf,
  type Validity,
} from './certificate.ts'

const ED25519 = { name: 'Ed25519' } as const
const SERVER_KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** What counts of these certificates is their key, which lives as long as it does. */
const FOREVER: Validity = { notBeforeMs: Date.UTC(2020, 0, 1), notAfterMs: Date.UTC(2120, 0, 1) }

/**
 * The certificate of a cluster, which vouches for its servers. It is made of nothing but the key, so that it is always the same.
 * @returns PEM
 */
export async function clusterCertificate(cluster: Ed25519Keys): Promise<string> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialOfKey(cluster),
    name: 'CN=Damselfly cluster, O=Damselfly',
    ...datesOf(FOREVER),
    signingAlgorithm: ED25519,
    keys: await cryptoKeys(cluster),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  return pem(certificate)
}

/**
 * A certificate of a cluster for one of its servers, with a key of its own.
 * @param names DNS names and IP addresses that people may reach it by; members look at the signature instead
 */
export async function issueServerCertificate(
  cluster: Ed25519Keys,
  names: readonly string[],
  validity: Validity,
): Promise<CertificateAndKey> {
  const issuer = new X509Certificate(await clusterCertificate(cluster))
  const { privateKey: signingKey } = await cryptoKeys(cluster)
  const keys = await webcrypto.subtle.generateKey(SERVER_KEY, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    serialNumber: randomSerialNumber(),
    subject: 'CN=supernode, O=Damselfly',
    issuer: issuer.subjectName,
    ...datesOf(validity),
    signingAlgorithm: ED25519,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map(value => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
    ],
  })
  return { certificate: pem(certificate), key: privateKeyPem(keys.privateKey) }
}

/** The certificate with which a peer proves its PeerId to servers: of its own key, and of no authority. */
export async function peerCertificate(peer: Ed25519Keys): Promise<CertificateAndKey> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialOfKey(peer),
    name: 'CN=peer, O=Damselfly',
    ...datesOf(FOREVER),
    signingAlgorithm: ED25519,
    keys: await cryptoKeys(peer),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ],
  })
  return { certificate: pem(certificate), key: pkcs8(peer.privateKey) }
}

function serialOfKey({ publicKey }: Ed25519Keys): string {
  return serialNumberOf(createHash('sha256').update(publicKey).digest())
}

async function cryptoKeys({ privateKey }: Ed25519Keys): Promise<webcrypto.CryptoKeyPair> {
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ED25519, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, ED25519, true, ['verify']),
  }
}

function pkcs8(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
