/** Permission bits and owner of a file. An id of -1 leaves the owner to the system. */
export interface FileAttributes {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** A file as it is stored. */
export interface StoredFile extends FileAttributes {
  readonly bytes: Uint8Array
}

/**
 * The part of a file system that an install needs. Paths are absolute, below the root that is installed into. Symbolic links
 * are followed as long as they stay below the root.
 * All throw DamselflyError CONFIG_INVALID for a link that leaves the root or leads nowhere, OUTPUT_FAILED for what the system refuses.
 */
export interface FileSystem {
  /** The path without symbolic links. What is missing at its end stays as it is. */
  resolve(path: string): Promise<string>
  /** Undefined when there is none. */
  read(path: string): Promise<StoredFile | undefined>
  isDirectory(path: string): Promise<boolean>
  /** Names in a directory, sorted; empty when there is none. */
  list(path: string): Promise<string[]>
  /** Makes one directory with exactly this mode; one that is there stays as it is. */
  makeDirectory(path: string, mode: number): Promise<void>
  /** Replaces a file as a whole and durably: readers see the old bytes or the new ones, also after a crash. */
  replace(path: string, file: StoredFile): Promise<void>
  /** Removes what a `replace` that was killed has left beside the file. */
  discardStaged(path: string): Promise<void>
  remove(path: string): Promise<void>
  /** Removes a directory that is empty. Returns whether it is gone. */
  removeEmptyDirectory(path: string): Promise<boolean>
}
