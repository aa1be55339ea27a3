import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { Ed25519Keys } from './ed25519-seed.ts'

const SIGNATURE_BYTES = 64

/** Keys of a cluster. The public one travels as its 32 raw bytes in base64url. */
export type ClusterKey = Ed25519Keys

/** The public part of a cluster's key, from base64url. @throws Error for what is no Ed25519 public key */
export function importClusterKey(publicKey: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })
}

/**
 * What a statement is about. It goes before what is signed, and not over the wire, so that a statement of one kind never passes for
 * one of another, whatever is in them. Whoever changes what a kind means gives it a new number.
 */
export type StatementKind = 'damselfly ticket 1' | 'damselfly membership 1'

/** A statement of a cluster: what it says, followed by its signature. */
export function signStatement(kind: StatementKind, payload: Uint8Array, key: ClusterKey): Uint8Array {
  return Buffer.concat([payload, sign(null, signedBytes(kind, payload), key.privateKey)])
}

/** What a statement says, or undefined unless it is one of this kind and of the holder of this key. */
export function openStatement(kind: StatementKind, statement: Uint8Array, key: KeyObject): Uint8Array | undefined {
  if (statement.length <= SIGNATURE_BYTES) return undefined
  const payload = statement.subarray(0, -SIGNATURE_BYTES)
  return verify(null, signedBytes(kind, payload), key, statement.subarray(-SIGNATURE_BYTES)) ? payload : undefined
}

/** No kind has a zero byte in it, so that none is the beginning of another. */
function signedBytes(kind: StatementKind, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${kind}\0`), payload])
}
