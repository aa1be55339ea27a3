import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { peerKeyFromSeed } from '../../../../lib/p2p/identity.ts'

test('the key of a seed is the one that libp2p makes of it', async () => {
  const seed = Uint8Array.from({ length: 32 }, (_, index) => index * 7)
  const key = peerKeyFromSeed(seed)
  const theirs = await generateKeyPairFromSeed('Ed25519', seed)
  expect(key.equals(theirs)).toBe(true)
  expect(peerIdFromPrivateKey(key).toString()).toBe(peerIdFromPrivateKey(theirs).toString())
  const bytes = Buffer.from('what is signed')
  expect(await theirs.publicKey.verify(bytes, await key.sign(bytes))).toBe(true)
})
