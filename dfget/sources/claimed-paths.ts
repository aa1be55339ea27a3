import { printable } from '../../lib/terminal/format.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/** The paths that files of one listing are written to, so that no file takes another's place. */
export class ClaimedPaths {
  readonly #owners = new Map<string, string>()
  /** All directories that files are in, and which of the files is to blame for it. */
  readonly #directories = new Map<string, string>()

  /**
   * @param path a safe relative path
   * @param owner what is written there, such as a URL
   * @returns whether it is new; false when the same owner has claimed it before
   * @throws DamselflyError OUTPUT_FAILED when another has, or when one would have to be both a file and a directory
   */
  claim(path: string, owner: string): boolean {
    const before = this.#owners.get(path)
    if (before === owner) return false
    const other = before ?? this.#directories.get(path) ?? this.#claimDirectories(path, owner)
    if (other !== undefined) throw conflict(path, owner, other)
    this.#owners.set(path, owner)
    return true
  }

  /** Notes the directories of a path. @returns the owner of a file that is in the place of one of them */
  #claimDirectories(path: string, owner: string): string | undefined {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const directory = path.slice(0, slash)
      if (this.#directories.has(directory)) return undefined
      const file = this.#owners.get(directory)
      if (file !== undefined) return file
      this.#directories.set(directory, owner)
    }
    return undefined
  }
}

function conflict(path: string, owner: string, other: string): DamselflyError {
  const detail = `${other} and ${owner} cannot both be written, because of "${path}"; leave it out with --exclude`
  return new DamselflyError('OUTPUT_FAILED', printable(detail))
}
