import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { open as openInspector } from 'node:inspector'
import { join } from 'node:path'

// Imported into a program by `--import`, as if it had been taken over. At SIGUSR2 it tries what a program of ours has no business
// with, and prints what became of it as JSON. OUTSIDE names a directory, INSIDE the data directory of the program.

const { PROBE_OUTSIDE: outside = '', PROBE_INSIDE: inside = '' } = process.env

function outcomeOf(attempt: () => unknown): string {
  try {
    attempt()
    return 'done'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed'
  }
}

process.on('SIGUSR2', () => {
  const outcomes = {
    readPasswords: outcomeOf(() => readFileSync('/etc/passwd')),
    readByProc: outcomeOf(() => readFileSync('/proc/self/root/etc/passwd')),
    readEnvironment: outcomeOf(() => readFileSync('/proc/self/environ')),
    readOutside: outcomeOf(() => readFileSync(join(outside, 'file'))),
    writeOutside: outcomeOf(() => writeFileSync(join(outside, 'new'), '')),
    climbOut: outcomeOf(() => writeFileSync(`${inside}/../../new`, '')),
    writeProgram: outcomeOf(() => writeFileSync(process.argv[1] ?? '', '')),
    spawn: outcomeOf(() => spawn('true').on('error', () => {})),
    inspector: outcomeOf(() => openInspector(0, '127.0.0.1')),
    writeInside: outcomeOf(() => writeFileSync(join(inside, 'probe'), '')),
  }
  process.stderr.write(`${JSON.stringify({ probe: outcomes })}\n`)
})
