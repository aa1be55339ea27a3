import type { Children } from '../measure/children.ts'

/** Connections that an ill-willed client holds. */
export interface Burden {
  readonly port: number
  readonly idle: number
  /** Of each kind. */
  readonly slow: number
  /** Path of the blob that is read slowly. */
  readonly blobPath: string
}

/** What it has come to. */
export interface BurdenCounts {
  /** Connections that are open now. */
  readonly open: number
  /** Connections that the server has ended so far; each was opened again. */
  readonly ended: number
}

/** A process that burdens a server. */
export interface BurdenProgram {
  /** Opens all connections, and opens those again that the server ends. Resolves when all have been open. */
  take(burden: Burden): Promise<void>
  counts(): Promise<BurdenCounts>
  /** Ends all connections. */
  release(): Promise<void>
}

const PATIENCE_MS = 120_000

/** Starts it. Its calls throw as `Child.ask` does. */
export async function startBurden(children: Children): Promise<BurdenProgram> {
  const child = await children.start('the ill-willed client', new URL('burden.ts', import.meta.url))
  return {
    take: burden => child.ask('take', { argument: burden, timeoutMs: PATIENCE_MS }),
    counts: () => child.ask('counts', { timeoutMs: PATIENCE_MS }),
    release: () => child.ask('release', { timeoutMs: PATIENCE_MS }),
  }
}
