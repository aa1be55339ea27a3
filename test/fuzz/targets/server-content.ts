import { digestOf } from '../../../protocol/digest.ts'
import type { RegistryMock } from '../../../registry-mock/create-registry-mock.ts'
import { seededBytes } from '../../helpers/blob.ts'
import { pushBlob } from '../../helpers/registry-mock.ts'

const blob = seededBytes(2_000)

/** The blob that there is. */
export const blobDigest = digestOf(blob)

/** Puts something into a registry that requests can find. */
export async function pushImage(registry: RegistryMock): Promise<void> {
  await pushBlob(registry, 'library/test', blob)
}
