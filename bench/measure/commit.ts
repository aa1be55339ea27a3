import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'

const DESCRIBE = ['describe', '--always', '--abbrev=12', '--dirty', '--exclude=*']

/** The commit that is measured, with `-dirty` behind it when files differ from it; null outside a checkout. */
export function readCommit(): string | null {
  try {
    const output = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] } satisfies ExecFileSyncOptions
    return execFileSync('git', DESCRIBE, { cwd: import.meta.dirname, ...output }).trim()
  } catch {
    return null
  }
}
