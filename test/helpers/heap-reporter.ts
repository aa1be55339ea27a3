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

process.on('SIGUSR2', () => {
  collectGarbage()
  // What finalizers let go is collected by the next one.
  setImmediate(() => {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    const report: HeapReport = { report: ++reports, heapBytes: heapUsed, externalBytes: external }
    process.stderr.write(`${JSON.stringify(report)}\n`)
  })
})
