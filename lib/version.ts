import { readFileSync } from 'node:fs'

/** The version in package.json. */
export const VERSION: string = packageVersion()

// From source, package.json is one folder up; from `dist/`, two.
function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name?: string
        version?: string
      }
      if (found.name === 'damselfly' && found.version !== undefined) return found.version
    } catch {}
  }
  return '0.0.0'
}
