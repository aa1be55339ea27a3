import { readFile } from 'node:fs/promises'

/** The highest resident memory that a process has had so far, in bytes (proc(5), VmHWM). */
export async function peakMemoryBytes(pid: number): Promise<number> {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}
