import type { Child, Children } from '../measure/children.ts'
import type { MemberIdentity } from './connections.ts'

/** A blob as a registration names it. */
export interface NamedBlob {
  readonly url: string
  readonly digest: string
}

/** What a loader is told to send. */
export interface Load {
  /** Of the supernode. */
  readonly url: string
  readonly clusterKey: string
  readonly members: readonly MemberIdentity[]
  readonly blobs: readonly NamedBlob[]
  /** One that nobody here may read. */
  readonly privateBlob: NamedBlob
  readonly perSecond: number
  readonly seconds: number
}

/** What a loader has seen. Times are in milliseconds, from when a registration was due to its answer. */
export interface LoadResult {
  readonly sent: number
  readonly elapsedMs: number
  readonly validMs: readonly number[]
  readonly invalidMs: readonly number[]
  /** How late the loader itself sent. */
  readonly lateMs: readonly number[]
  /** Wrong answers, by what was wrong. */
  readonly wrong: Readonly<Record<string, number>>
  readonly cpuSeconds: number
}

const PATIENCE_MS = 60_000

/** A process that registers. */
export interface Loader {
  load(load: Load): Promise<LoadResult>
}

/** Starts it. Its calls throw as `Child.ask` does. */
export async function startLoader(children: Children): Promise<Loader> {
  const child: Child = await children.start('the loader', new URL('loader.ts', import.meta.url))
  return {
    load: load => child.ask<LoadResult>('load', { argument: load, timeoutMs: load.seconds * 1000 + PATIENCE_MS }),
  }
}
