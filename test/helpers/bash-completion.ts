import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './process.ts'
import { createScratchDirectory } from './scratch-directory.ts'

/** Calls the function as bash does at a tab, and says what bash would complete by itself, which only a terminal shows. */
const DRIVER = `
compopt() { echo "$2"; }
source "$1"
COMP_LINE=$2 COMP_POINT=\${#2} COMP_WORDS=("\${@:4}") COMP_CWORD=$(($# - 4))
"$3"
[ \${#COMPREPLY[@]} -eq 0 ] || printf '%s\\n' "\${COMPREPLY[@]}"
`

/**
 * What a real bash completes at the end of a line.
 * @param script the completion script, whose function is `name`
 * @returns the words; `default` and `dirnames` stand for files and directories, which bash finds itself
 */
export async function completeInBash(script: string, name: string, line: string): Promise<string[]> {
  await using scratch = await createScratchDirectory()
  const file = join(scratch.path, 'completion')
  await writeFile(file, script)
  const { stdout } = await run('bash', ['--norc', '-c', DRIVER, 'bash', file, line, name, ...wordsOf(line)])
  return stdout.split('\n').filter(word => word !== '')
}

/** As bash cuts a line at its cursor: at spaces, and around = and :, which are words themselves. */
function wordsOf(line: string): string[] {
  const words = line.match(/[=:]+|[^\s=:]+/g) ?? []
  return /\s$/.test(line) ? [...words, ''] : words
}
