import { readdir, readFile } from 'node:fs/promises'
import type { HeapReport } from '../../helpers/measured-process.ts'
import { waitFor } from '../../helpers/wait.ts'
import type { ChaosCluster } from '../cluster/chaos-cluster.ts'
import type { Unit } from '../cluster/unit.ts'
import type { Holding } from './leaks.ts'

const PATIENCE_MS = 60_000

/** Measures what the long-lived programs hold now. One that a fault has ended, or ends meanwhile, is left out. */
export async function measureHoldings(cluster: ChaosCluster): Promise<Holding[]> {
  const measured = await Promise.all(cluster.longLived.map(unit => measure(unit, cluster.logFile(unit))))
  return measured.filter(holding => holding !== undefined)
}

async function measure(unit: Unit, logFile: string): Promise<Holding | undefined> {
  const { name, life, pid } = unit
  if (pid === undefined) return undefined
  const before = (await heapReports(logFile)).length
  unit.signal('SIGUSR2')
  const wanted = async () => (unit.pid === pid ? (await heapReports(logFile))[before] : 'ended')
  const report = await waitFor(wanted, { timeoutMs: PATIENCE_MS, what: `${name} to say how large its heap is` })
  if (report === 'ended') return undefined
  return {
    unit: name,
    life,
    heapBytes: report.heapBytes + report.externalBytes,
    residentBytes: await residentBytes(pid),
    descriptors: (await readdir(`/proc/${pid}/fd`)).length,
  }
}

async function heapReports(logFile: string): Promise<HeapReport[]> {
  const lines = (await readFile(logFile, 'utf8')).split('\n').slice(0, -1)
  return lines.filter(line => line.startsWith('{"report":')).map(line => JSON.parse(line) as HeapReport)
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}
