import type { Digest } from '../../protocol/digest.ts'
import { RUNTIME_NAMES } from './runtimes/all-runtimes.ts'
import type { Runtime } from './runtimes/runtime.ts'

/** How one pull by one runtime ended. */
export interface PullResult {
  readonly name: string
  readonly durationMs: number
  /** What it pulled; undefined when it failed. */
  readonly manifestDigest: Digest | undefined
  /** What the runtime printed when it failed. */
  readonly words: string
}

/** Pulls with several runtimes at once, and waits for all of them. */
export function pullWithAll(
  runtimes: readonly Runtime[],
  reference: string,
  options: { readonly timeoutMs: number },
): Promise<PullResult[]> {
  return Promise.all(
    runtimes.map(async runtime => {
      const startedAt = performance.now()
      const end = () => ({ name: runtime.name, durationMs: Math.round(performance.now() - startedAt) })
      try {
        const { manifestDigest } = await runtime.pull(reference, options)
        return { ...end(), manifestDigest, words: '' }
      } catch (error) {
        return { ...end(), manifestDigest: undefined, words: (error as Error).message }
      }
    }),
  )
}

/** A table of cases and runtimes for people to look at. */
export class Matrix {
  readonly #title: string
  readonly #rows: [string, Map<string, string>][] = []

  constructor(title: string) {
    this.#title = title
  }

  /** Adds how the runtimes fared in one case; `note` adds to what is shown of a pull. */
  add(caseName: string, results: readonly PullResult[], note: (result: PullResult) => string = () => ''): void {
    const cell = (result: PullResult) => {
      const outcome = result.manifestDigest === undefined ? 'failed' : 'pulled'
      return `${outcome} ${(result.durationMs / 1000).toFixed(1)} s${note(result)}`
    }
    this.#rows.push([caseName, new Map(results.map(result => [result.name, cell(result)]))])
  }

  /** The table, with a line for each case. */
  toString(): string {
    const head = [this.#title, ...RUNTIME_NAMES]
    const rows = this.#rows.map(([name, cells]) => [name, ...RUNTIME_NAMES.map(runtime => cells.get(runtime) ?? '')])
    const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column]?.length ?? 0)))
    const line = (row: string[]) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')
    return `${[head, ...rows].map(line).join('\n')}\n`
  }
}
