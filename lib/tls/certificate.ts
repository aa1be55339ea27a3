import { KeyObject, randomBytes, type webcrypto } from 'node:crypto'

/** A certificate and its private key, both in PEM. */
export interface CertificateAndKey {
  readonly certificate: string
  /** PKCS#8. */
  readonly key: string
}

/** From when to when a certificate is valid, in milliseconds since 1970. */
export interface Validity {
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** A validity in the form of the certificate library. */
export function datesOf({ notBeforeMs, notAfterMs }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) }
}

/** A new serial number in hex. */
export function randomSerialNumber(): string {
  return serialNumberOf(randomBytes(SERIAL_BYTES))
}

/** At least 16 bytes as a serial number in hex: positive and without a leading zero byte, as DER wants it. */
export function serialNumberOf(bytes: Uint8Array): string {
  const serial = Buffer.from(bytes.subarray(0, SERIAL_BYTES))
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial.toString('hex')
}

const SERIAL_BYTES = 16

/** A private key in PKCS#8 PEM. */
export function privateKeyPem(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString()
}
