import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
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
  const supernode = createSupernodeClient(supernodeUrl)
  const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  for (const { path, digest } of blobs) {
    const source = { url: registry.url + path, headers: {}, digest }
    await supernode.register({ peerId, source }, options)
  }
  for (const { digest } of blobs) await waitForTask(supernodeUrl, digest, options)
}
