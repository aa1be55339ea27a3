import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const LIBRARIES = '/usr/lib'

/**
 * The library that shifts what a program takes for the wall clock, while it runs: Node's `Date` as well as OpenSSL's idea of now.
 * (A time namespace has monotonic clocks of its own, and never another wall clock.)
 * @returns undefined where Debian's package `faketime` is not installed
 */
export function fakeTimeLibrary(): string | undefined {
  for (const architecture of readdirSync(LIBRARIES)) {
    if (!architecture.endsWith('-linux-gnu')) continue
    const directory = join(LIBRARIES, architecture, 'faketime')
    try {
      // The one for programs with threads.
      const found = readdirSync(directory).find(name => name === 'libfaketimeMT.so.1')
      if (found !== undefined) return join(directory, found)
    } catch {
      // Not for this architecture.
    }
  }
  return undefined
}

/** The environment of a program whose wall clock goes by a file. Its monotonic clock stays right, as when somebody sets the clock. */
export function fakeTimeEnvironment(library: string, file: string): Record<string, string> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
}

/** Sets how far off the clock of such a program is; it notices within a second. */
export async function setSkew(file: string, skewMs: number): Promise<void> {
  await writeFile(file, `${skewMs < 0 ? '-' : '+'}${Math.abs(skewMs) / 1000}\n`)
}
