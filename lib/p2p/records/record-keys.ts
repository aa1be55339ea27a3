import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** Bytes of what each end contributes to the keys. */
export const SECRET_BYTES = 32

const KEY_BYTES = 32
const NONCE_BYTES = 12

/**
 * Records under one key, at most. AES-GCM stays far from its limits with 64 GiB (RFC 8446 §5.5 allows about 2^24.5 records of
 * 16 KiB).
 */
const RECORDS_PER_KEY = 2 ** 20

/** Which end opened the connection. */
export type Direction = 'from-initiator' | 'from-responder'

/** The keys and nonces of one direction of a connection, one for each record. Both ends have the same. */
export class RecordKeys {
  #secret: Uint8Array
  #key: KeyObject
  readonly #nonce = Buffer.alloc(NONCE_BYTES)
  readonly #perKey: number
  #used = 0

  /** @param secrets what both ends contributed, that of the initiator first */
  constructor(secrets: Uint8Array, direction: Direction, recordsPerKey = RECORDS_PER_KEY) {
    this.#perKey = recordsPerKey
    this.#secret = derive(secrets, `damselfly records 1 ${direction}`)
    this.#key = createSecretKey(this.#secret)
  }

  /** What the next record is sealed with. The nonce is good until the next call. */
  next(): { readonly key: KeyObject; readonly nonce: Uint8Array } {
    if (this.#used === this.#perKey) this.#renew()
    this.#nonce.writeUInt32BE(this.#used++, NONCE_BYTES - 4)
    return { key: this.#key, nonce: this.#nonce }
  }

  #renew(): void {
    this.#secret = derive(this.#secret, 'damselfly records 1 next key')
    this.#key = createSecretKey(this.#secret)
    this.#used = 0
  }
}

function derive(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), purpose, KEY_BYTES))
}
