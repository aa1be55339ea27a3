#!/usr/bin/env node
import type { Writable } from 'node:stream'
import { keepCompiledCode } from '../lib/compile-cache.ts'
import { guardProcess } from '../lib/process-guard.ts'
import { tuneHeap } from '../lib/tune-heap.ts'

guardProcess('dfget', 'text')
// Both hold only for what is loaded afterwards.
tuneHeap()
keepCompiledCode()
const { EXIT } = await import('./cli/exit-code.ts')
const { runDfget } = await import('./cli/run-dfget.ts')

const streams = [process.stdout, process.stderr]
// Whoever closes them misses what is said, but the download goes on.
for (const stream of streams) stream.on('error', () => {})

const code = await runDfget(process.argv, process)
// Output that nobody reads must not hold up a user who has given up.
if (code !== EXIT.interrupted) await Promise.all(streams.map(flushed))
// libp2p leaves a timer of a second behind.
process.exit(code)

/** Resolves when all that was written is with the kernel, or never will be. */
function flushed(stream: Writable): Promise<void> {
  return new Promise(resolve => stream.write('', () => resolve()))
}
