import { onTestFinished } from 'vitest'
import { type Digest, type DigestAlgorithm, digestOf } from '../../protocol/digest.ts'
import type { RegistryMockSettings } from '../../registry-mock/config.ts'
import { createRegistryMock, type RegistryMock } from '../../registry-mock/create-registry-mock.ts'

/** The account that a registry knows by default, as a header. */
export const BASIC = { authorization: `Basic ${btoa('user:password')}` }

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'

/** Starts a registry on a free port, for the running test only. */
export async function startRegistryMock(
  settings: RegistryMockSettings = {},
  components: Parameters<typeof createRegistryMock>[1] = {},
): Promise<RegistryMock> {
  const registry = createRegistryMock({ listen: '127.0.0.1:0', ...settings }, components)
  await registry.start()
  onTestFinished(() => registry.stop())
  return registry
}

/** Bytes that differ from place to place. */
export function patternBytes(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: sizeBytes }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
}

/** Pushes a blob in one request. @throws Error when the registry does not answer 201 */
export async function pushBlob(
  registry: RegistryMock,
  repository: string,
  bytes: Uint8Array<ArrayBuffer>,
  algorithm: DigestAlgorithm = 'sha256',
  headers: Record<string, string> = {},
): Promise<Digest> {
  const digest = digestOf(bytes, algorithm)
  const url = `${registry.url}/v2/${repository}/blobs/uploads/?digest=${digest}`
  const response = await fetch(url, { method: 'POST', body: bytes, headers })
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
  return digest
}

/** Pushes a manifest, which is an object or the text itself. */
export function putManifest(
  registry: RegistryMock,
  path: string,
  manifest: object | string,
  contentType = OCI_MANIFEST,
): Promise<Response> {
  const body = typeof manifest === 'string' ? manifest : JSON.stringify(manifest)
  return fetch(`${registry.url}/v2/${path}`, { method: 'PUT', body, headers: { 'content-type': contentType } })
}

/** The first error code of an OCI error body. */
export async function errorCode(response: Response): Promise<string | undefined> {
  const { errors } = (await response.json()) as { errors: { code: string }[] }
  return errors[0]?.code
}
