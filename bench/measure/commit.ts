import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'

const DESCRIBE = ['describe', '--always', '--abbrev=12', '--exclude=*']
/** Results are what is made of a commit, and no part of what is measured. */
const CHANGED = ['status', '--porcelain', '--untracked-files=no', '--', ':/', ':(top,exclude)bench/results']

/** The commit that is measured, with `-dirty` behind it when files other than results differ from it; null outside a checkout. */
export function readCommit(): string | null {
  try {
    return `${git(DESCRIBE)}${git(CHANGED) === '' ? '' : '-dirty'}`
  } catch {
    return null
  }
}

function git(args: readonly string[]): string {
  const output = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] } satisfies ExecFileSyncOptions
  return execFileSync('git', args, { cwd: import.meta.dirname, ...output }).trim()
}
