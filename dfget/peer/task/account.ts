import type { OriginReason, TaskAccount } from '../../../protocol/messages/daemon-api.ts'

/** Where the bytes of a task came from. */
export type Account = TaskAccount

/** Who delivered a block. */
export type BlockSender = 'peer' | 'supernode' | 'origin'

/** An account with nothing on it. */
export function emptyAccount(): Account {
  return { diskBytes: 0, peerBytes: 0, supernodeBytes: 0, originBytes: 0, originReasons: [] }
}

/** Books bytes under their sender, or under the disk where they were here already. */
export function book(account: Account, sender: BlockSender | 'disk', bytes: number): void {
  account[`${sender}Bytes`] += bytes
}

/** Notes why the origin is read. Reasons that are noted already count once. */
export function because(account: Account, ...reasons: readonly OriginReason[]): void {
  for (const { why, code } of reasons) {
    if (account.originReasons.some(known => known.why === why && known.code === code)) continue
    account.originReasons.push(code === undefined ? { why } : { why, code })
  }
}

/** Sum of accounts. */
export function sumOfAccounts(accounts: readonly Readonly<Account>[]): Account {
  const sum = emptyAccount()
  for (const account of accounts) {
    sum.diskBytes += account.diskBytes
    sum.peerBytes += account.peerBytes
    sum.supernodeBytes += account.supernodeBytes
    sum.originBytes += account.originBytes
    because(sum, ...account.originReasons)
  }
  return sum
}
