import { type Account, emptyAccount, sumOfAccounts } from '../peer/task/account.ts'
import type { ProgressSource } from './progress-display.ts'

/** Several downloads as one: what is done of those that have begun. What is finished takes no memory of its own. */
export class DownloadTotals implements ProgressSource {
  readonly #several: boolean
  readonly #begun = new Set<ProgressSource>()
  #expected = 0
  #complete = false
  #skipped = 0
  #finished = 0
  #finishedBytes = 0
  #finishedAccount: Account = emptyAccount()

  /** @param init.several whether there may be more than one */
  constructor(init: { several: boolean }) {
    this.#several = init.several
  }

  /** How many there are, as far as is known. */
  get expected(): number {
    return this.#expected
  }

  /** There is one more to download. */
  expect(): void {
    this.#expected++
  }

  /** All that is to be downloaded is known. */
  expectNoMore(): void {
    this.#complete = true
  }

  begin(download: ProgressSource): void {
    this.#begun.add(download)
  }

  finish(download: ProgressSource): void {
    this.#begun.delete(download)
    this.#finished++
    this.#finishedBytes += download.doneBytes
    this.#finishedAccount = sumOfAccounts([this.#finishedAccount, download.account])
  }

  /** One has failed; it may begin again. */
  giveUp(download: ProgressSource): void {
    this.#begun.delete(download)
  }

  /** One less is to be downloaded. */
  skip(): void {
    this.#skipped++
  }

  get name(): string {
    const [only] = this.#begun
    if (!this.#several) return only?.name ?? ''
    const known = this.#expected - this.#skipped
    return `${this.#finished} of ${known}${this.#complete ? '' : '+'} files`
  }

  get doneBytes(): number {
    let sum = this.#finishedBytes
    for (const { doneBytes } of this.#begun) sum += doneBytes
    return sum
  }

  /** Undefined until all have begun, and when one of them has no known size. */
  get sizeBytes(): number | undefined {
    const waiting = this.#expected - this.#skipped - this.#finished - this.#begun.size
    if (!this.#complete || waiting > 0) return undefined
    let sum = this.#finishedBytes
    for (const { sizeBytes } of this.#begun) {
      if (sizeBytes === undefined) return undefined
      sum += sizeBytes
    }
    return sum
  }

  get account(): Account {
    return sumOfAccounts([this.#finishedAccount, ...[...this.#begun].map(({ account }) => account)])
  }
}
