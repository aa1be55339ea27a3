import type { TaskAccount } from '../../../protocol/messages/daemon-api.ts'

/** Where the bytes of a task came from. */
export type Account = TaskAccount

/** Who delivered a block. */
export type BlockSender = 'peer' | 'supernode' | 'origin'

/** An account with nothing on it. */
export function emptyAccount(): Account {
  return { diskBytes: 0, peerBytes: 0, supernodeBytes: 0, originBytes: 0 }
}

/** Books bytes under their sender. */
export function book(account: Account, sender: BlockSender, bytes: number): void {
  account[`${sender}Bytes`] += bytes
}
