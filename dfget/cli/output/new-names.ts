import { syncDirectory } from '../../../lib/fs.ts'
import { DamselflyError } from '../../../protocol/errors.ts'

/** Where files got their names. Each directory goes to the disk once, however many files it got. */
export class NewNames {
  readonly #directories = new Set<string>()

  /** @param directory absolute path of the directory that a file was named in */
  add(directory: string): void {
    this.#directories.add(directory)
  }

  /** Resolves when all names so far outlast a crash of the machine. @throws DamselflyError OUTPUT_FAILED */
  async sync(): Promise<void> {
    for (const directory of this.#directories) {
      this.#directories.delete(directory)
      await syncDirectory(directory).catch((error: Error) => {
        throw new DamselflyError('OUTPUT_FAILED', `${directory}: ${error.message}`, { cause: error })
      })
    }
  }
}
