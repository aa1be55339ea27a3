/** Some of several downloads have failed. `cause` is the first failure; each has been said. */
export class PartlyFailedError extends Error {
  override readonly name = 'PartlyFailedError'

  constructor(failures: readonly unknown[], downloads: number) {
    super(`${failures.length} of ${downloads} downloads failed`, { cause: failures[0] })
  }
}
