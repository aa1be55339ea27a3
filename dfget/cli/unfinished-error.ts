/** A download that ended early and can go on where it was. `cause` is what ended it. */
export class UnfinishedError extends Error {
  override readonly name = 'UnfinishedError'
  /** Bytes of verified blocks that are kept. */
  readonly storedBytes: number
  /** Where: `in /directory`, `by the dfdaemon`. */
  readonly place: string
  /** Whether files of it may be there already. */
  readonly several: boolean

  constructor(cause: unknown, kept: { storedBytes: number; place: string; several?: boolean }) {
    super('the download is not finished', { cause })
    this.storedBytes = kept.storedBytes
    this.place = kept.place
    this.several = kept.several ?? false
  }
}
