/** A download that ended early and can go on where it was. `cause` is what ended it. */
export class UnfinishedError extends Error {
  override readonly name = 'UnfinishedError'
  /** Bytes of verified blocks in the data directory. */
  readonly storedBytes: number
  readonly directory: string
  /** Whether files of it may be there already. */
  readonly several: boolean

  constructor(cause: unknown, kept: { storedBytes: number; directory: string; several?: boolean }) {
    super('the download is not finished', { cause })
    this.storedBytes = kept.storedBytes
    this.directory = kept.directory
    this.several = kept.several ?? false
  }
}
