const MIB = 1024 ** 2
const GIB = 1024 ** 3

/** How fast bytes moved, in MiB/s. */
export function miBps(sizeBytes: number, elapsedMs: number): number {
  return sizeBytes / MIB / (elapsedMs / 1000)
}

/** What bytes cost, in seconds of processor time for each GiB. */
export function cpuSecPerGiB(cpuSeconds: number, sizeBytes: number): number {
  return cpuSeconds / (sizeBytes / GIB)
}
