import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a planted secret looks like when it is written down: as it is, and as headers, URLs and hexadecimal dumps have it. */
function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  // In base64 the bytes around it decide how its ends look, so only the middle counts, at each of three positions.
  const inside = [0, 1, 2].map(shift =>
    Buffer.from(`${'x'.repeat(shift)}${secret}`)
      .toString('base64')
      .replaceAll('=', '')
      .slice(4, -4),
  )
  return [secret, encodeURIComponent(secret), bytes.toString('hex'), ...inside]
}

/** A place in which a secret was found. */
export interface FoundSecret {
  readonly secret: string
  readonly where: string
  /** Some of the text around it. */
  readonly context: string
}

/** Secrets that a test plants wherever a user may put one, and looks for wherever something may be said. A new one is one more call of `plant`. */
export class PlantedSecrets {
  readonly #secrets = new Map<string, string>()
  readonly #found: FoundSecret[] = []

  /** A new secret. @param name where it is planted, in kebab-case */
  plant(name: string): string {
    const secret = `planted-${name}-${this.#secrets.size}-q7Zk`
    this.#secrets.set(name, secret)
    return secret
  }

  /** Adds a secret that somebody else has made, such as a token or a key. */
  add(name: string, secret: string): void {
    this.#secrets.set(name, secret)
  }

  get count(): number {
    return this.#secrets.size
  }

  /** Where secrets were found so far. */
  get found(): readonly FoundSecret[] {
    return this.#found
  }

  /** Looks through a text. @param allowed secrets that may be there: the user put them there */
  search(where: string, text: string, allowed: readonly string[] = []): void {
    for (const [name, secret] of this.#secrets) {
      if (allowed.includes(name)) continue
      const at = spellingsOf(secret)
        .map(spelling => text.indexOf(spelling))
        .find(index => index >= 0)
      if (at !== undefined)
        this.#found.push({ secret: name, where, context: text.slice(Math.max(0, at - 80), at + 60) })
    }
  }

  /** Looks through all files below a directory. */
  async searchFiles(where: string, directory: string): Promise<number> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true })
    const files = entries.filter(entry => entry.isFile())
    for (const { parentPath, name } of files) {
      const path = join(parentPath, name)
      this.search(`${where} ${path.slice(directory.length)}`, await readFile(path, 'latin1'))
    }
    return files.length
  }

  /** Looks through the command lines of the processes of this machine, but for those that the test made with a secret in them. */
  async searchCommandLines(isAllowed: (commandLine: string) => boolean = () => false): Promise<void> {
    for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      if (!isAllowed(line)) this.search(`command line of ${pid}`, line)
    }
  }
}
