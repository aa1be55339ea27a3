/** Debian's `nobody`. */
const NOBODY = 65_534

/**
 * Does something as a user whom permissions of files bind: `nobody` where the test runs as root, and else the user it runs as. Nothing
 * else may run in the process meanwhile.
 */
export async function asStranger<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(NOBODY)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}
