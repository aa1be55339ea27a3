import { createCipheriv, createHash } from 'node:crypto'
import type { Digest } from '../../protocol/digest.ts'
import type { RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { pushBlob } from './registry-mock.ts'

/** A blob that lies in a registry. */
export interface TestBlob {
  readonly repository: string
  readonly digest: Digest
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** Bytes that look random and are the same for the same seed. */
export function seededBytes(sizeBytes: number, seed = 'damselfly'): Uint8Array<ArrayBuffer> {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16)
  return new Uint8Array(createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(new Uint8Array(sizeBytes)))
}

/** Puts a blob of seeded bytes into a registry. */
export async function seedBlob(
  registry: RegistryMock,
  sizeBytes: number,
  { seed = 'damselfly', repository = 'library/test', headers = {} } = {},
): Promise<TestBlob> {
  const bytes = seededBytes(sizeBytes, seed)
  return { repository, bytes, digest: await pushBlob(registry, repository, bytes, 'sha256', headers) }
}
