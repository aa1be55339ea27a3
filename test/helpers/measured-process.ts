import { fileURLToPath } from 'node:url'
import type { ChildProcess, ProcessOptions } from './process.ts'

/** What a program that was started with `MEASURED` prints when it is asked for its heap. */
export interface HeapReport {
  /** Counts from 1. */
  readonly report: number
  /** What is in use on V8's heap after a collection. */
  readonly heapBytes: number
  /** Memory outside of the heap that objects on it hold. */
  readonly externalBytes: number
}

/** To be imported before a program's own code: at SIGUSR2 it prints a `HeapReport` on stderr. */
export const HEAP_REPORTER = fileURLToPath(new URL('./heap-reporter.ts', import.meta.url))

/** How to start a program whose heap is to be measured. */
export const MEASURED: ProcessOptions = { env: { ...process.env, NODE_OPTIONS: `--import=${HEAP_REPORTER}` } }

const PATIENCE_MS = 20_000

/** Has a program collect its garbage, and says what is left. */
export async function heapOf(child: ChildProcess): Promise<HeapReport> {
  const before = reportsOf(child).length
  child.signal('SIGUSR2')
  const next = () => reportsOf(child)[before]
  await child.waitUntil(next, { timeoutMs: PATIENCE_MS, what: 'a heap report' })
  return next() as HeapReport
}

function reportsOf(child: ChildProcess): HeapReport[] {
  const lines = child.stderr.lines().filter(line => line.startsWith('{"report":'))
  return lines.map(line => JSON.parse(line) as HeapReport)
}
