/** What an output has before anything is written: the beginning of the content, if it is what it should be. */
export interface Begun {
  readonly sizeBytes: number
  /** Its bytes from an offset on. */
  read(start: number): AsyncIterable<Uint8Array>
}

/** Where a download goes. Ended by `finish` or `discard`. */
export interface Output {
  /** What the user calls it. */
  readonly name: string
  /** Absolute path of the finished file, if it is one. */
  readonly path: string | undefined
  /** What is there already and is to be continued. */
  readonly begun: Begun | undefined
  /** Resolves when the memory of the bytes may be used again, and more may be written. @throws DamselflyError OUTPUT_FAILED */
  write(bytes: Uint8Array): Promise<void>
  /**
   * Takes a file that somebody else makes in the place of what was written; only a file can be that.
   * @param place makes it at an absolute path, or nothing
   * @returns its length in bytes; undefined where nothing was made: then all is to be written
   * @throws DamselflyError OUTPUT_FAILED
   */
  replace(place: (path: string) => Promise<boolean>): Promise<number | undefined>
  /** Makes what was written the result. @throws DamselflyError OUTPUT_FAILED */
  finish(): Promise<void>
  /** Undoes what can be undone. Does nothing after `finish`. */
  discard(): Promise<void>
}
