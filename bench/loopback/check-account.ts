import type { TaskAccount } from '../../protocol/messages/daemon-api.ts'

/** Makes sure that content came from where it should, all of it. @throws Error that tells where it came from */
export function checkAllFrom(sender: 'peer' | 'supernode', account: TaskAccount, sizeBytes: number): void {
  if (account[`${sender}Bytes`] === sizeBytes) return
  throw new Error(`${sizeBytes} bytes should have come from a ${sender}, but ${JSON.stringify(account)}`)
}
