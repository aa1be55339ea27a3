import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import { createSupernodeClient } from '../../supernode/client/supernode-client.ts'
import type { RegistryBlob } from '../loopback/blob.ts'
import type { Registry } from '../loopback/programs.ts'
import { waitForTask } from '../loopback/supernode-state.ts'

/**
 * Has a supernode read blobs from their registry, as a peer would that registers for them and then goes away.
 * @throws DamselflyError SUPERNODE_UNREACHABLE, or what the supernode says; the signal's reason
 */
export async function seedBlobs(
  supernodeUrl: string,
  registry: Pick<Registry, 'url'>,
  blobs: readonly RegistryBlob[],
  options: { signal: AbortSignal },
): Promise<void> {
  const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  await registerBlobs({ supernode: supernodeUrl, peerId }, registry, blobs, options)
  for (const { digest } of blobs) await waitForTask(supernodeUrl, digest, options)
}

/** Registers a peer for blobs. */
export async function registerBlobs(
  { supernode: api, peerId }: { readonly supernode: ApiAddress; readonly peerId: string },
  registry: Pick<Registry, 'url'>,
  blobs: readonly RegistryBlob[],
  options: { signal: AbortSignal },
): Promise<void> {
  const supernode = createSupernodeClient(api)
  for (const { path, digest } of blobs) {
    const source = { url: registry.url + path, headers: {}, digest }
    await supernode.register({ peerId, source }, options)
  }
}
