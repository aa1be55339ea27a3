/**
 * Loaded into a program before its own code (`node --import`): at SIGUSR2 it collects all garbage and prints one line on stderr,
 * a `HeapReport` in JSON. Needs nothing of the program.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { HeapReport } from './measured-process.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
let reports = 0

/** A heap that is smaller by less is as small as it gets. */
const NOISE_BYTES = 16 * 1024
/** So long finalizers have to run. */
const FINALIZERS_MS = 10

process.on('SIGUSR2', () => collect(Number.POSITIVE_INFINITY))

/** What finalizers let go is collected by the next collection, as often as there is less to be found. */
function collect(bytesBefore: number): void {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  if (heapUsed < bytesBefore - NOISE_BYTES) {
    setTimeout(collect, FINALIZERS_MS, heapUsed)
    return
  }
  const report: HeapReport = { report: ++reports, heapBytes: heapUsed, externalBytes: external }
  process.stderr.write(`${JSON.stringify(report)}\n`)
}
