import { type Account, sumOfAccounts } from '../peer/task/account.ts'
import type { ProgressSource } from './progress-display.ts'

/** Several downloads as one: what is done of those that have begun. */
export class DownloadTotals implements ProgressSource {
  readonly #given: number
  #count: number
  readonly #all: ProgressSource[] = []
  #finished = 0

  /** @param count of downloads, also of those that have not begun */
  constructor(count: number) {
    this.#given = count
    this.#count = count
  }

  add(download: ProgressSource): void {
    this.#all.push(download)
  }

  finish(): void {
    this.#finished++
  }

  /** One less is to be downloaded. */
  skip(): void {
    this.#count--
  }

  get name(): string {
    const [only] = this.#all
    if (this.#given === 1) return only?.name ?? ''
    return `${this.#finished} of ${this.#count} files`
  }

  get doneBytes(): number {
    return this.#all.reduce((sum, { doneBytes }) => sum + doneBytes, 0)
  }

  /** Undefined until all have begun, and when one of them has no known size. */
  get sizeBytes(): number | undefined {
    if (this.#all.length < this.#count) return undefined
    let sum = 0
    for (const { sizeBytes } of this.#all) {
      if (sizeBytes === undefined) return undefined
      sum += sizeBytes
    }
    return sum
  }

  get account(): Account {
    return sumOfAccounts(this.#all.map(({ account }) => account))
  }
}
