import type { HappenedFault, MachineName } from '../plan/fault.ts'
import { faultsOf, lasted } from './windows.ts'

/** So long after a fault a read may still be its consequence: whoever lost the supernode has found it again by then. */
const CONSEQUENCE_MS = 5_000

/** What the origin sent of a blob in one answer: bytes `[start, end)` of it. Times in milliseconds since the load began. */
export interface OriginRead {
  readonly digest: string
  readonly start: number
  readonly end: number
  readonly atMs: number
  /** The machine that asked. */
  readonly reader: MachineName
  /** Whether it was the node's runtime, not its dfdaemon. */
  readonly byRuntime: boolean
}

/** What the origin sent, and why it sent it again. */
export interface OriginAccount {
  /** All blob bytes. */
  readonly originBytes: number
  /** Those that were sent for the first time. */
  readonly uniqueBytes: number
  /** Those that were sent again because of faults. */
  readonly lostBytes: number
  /** The same by the kind of fault. */
  readonly lostBy: Readonly<Record<string, number>>
  /** All without the lost ones ÷ unique. */
  readonly ratio: number
  /** What was sent again without a reason. */
  readonly unexplained: readonly (OriginRead & { readonly againBytes: number })[]
}

/**
 * Accounts for every byte that left the origin. What is sent twice has a fault for its reason, or none. Of two who read the same it is
 * the one with a reason that cost something, also when it came first: what a runtime reads without its dfdaemon reaches no swarm.
 */
export function accountForOrigin(reads: readonly OriginRead[], faults: readonly HappenedFault[]): OriginAccount {
  const sent = new Map<string, Coverage>()
  const lostBy: Record<string, number> = {}
  const unexplained: (OriginRead & { againBytes: number })[] = []
  let [originBytes, uniqueBytes, lostBytes] = [0, 0, 0]
  const judged = reads.map(read => ({ read, reason: reasonOf(read, faults) })).sort((a, b) => a.read.atMs - b.read.atMs)
  const inOrder = [...judged.filter(({ reason }) => reason === undefined), ...judged.filter(({ reason }) => reason)]
  for (const { read, reason } of inOrder) {
    const coverage = sent.get(read.digest) ?? new Coverage()
    sent.set(read.digest, coverage)
    const freshBytes = coverage.add(read.start, read.end)
    const againBytes = read.end - read.start - freshBytes
    originBytes += read.end - read.start
    uniqueBytes += freshBytes
    if (againBytes === 0) continue
    if (reason === undefined) unexplained.push({ ...read, againBytes })
    else {
      lostBytes += againBytes
      lostBy[reason.kind] = (lostBy[reason.kind] ?? 0) + againBytes
    }
  }
  const ratio = uniqueBytes === 0 ? 1 : (originBytes - lostBytes) / uniqueBytes
  return { originBytes, uniqueBytes, lostBytes, lostBy, ratio, unexplained }
}

/** The fault that makes a reader go to the origin for what has been read there before. */
function reasonOf(
  { reader, byRuntime, atMs }: OriginRead,
  faults: readonly HappenedFault[],
): HappenedFault | undefined {
  const own = faultsOf(
    faults,
    ['dfdaemon-kill', 'dfdaemon-freeze', 'blocks-corrupt-stopped', 'supernode-kill', 'supernode-freeze', 'node-revoke'],
    reader,
  )
  const ofStore = faultsOf(faults, ['disk-full', 'blocks-corrupt-running'], reader)
  // Without the supernode everybody goes to the origin at once, as without a way to it.
  const ofSupernode = faultsOf(
    faults,
    ['supernode-kill', 'supernode-freeze', 'blocks-corrupt-stopped', 'blocks-corrupt-running', 'disk-full'],
    'supernode',
  )
  const cuts = faultsOf(faults, ['link-cut']).filter(({ target, from = [] }) => [target, ...from].includes(reader))
  const outages = faultsOf(faults, ['registry-kill', 'registry-freeze'])
  const reasons = byRuntime ? [...own, ...outages] : [...own, ...ofStore, ...ofSupernode, ...cuts, ...outages]
  return reasons.find(fault => lasted(fault, { fromMs: atMs, toMs: atMs }, CONSEQUENCE_MS))
}

/** Which bytes of a blob have been sent. */
class Coverage {
  #parts: { readonly start: number; readonly end: number }[] = []

  /** @returns how many of them are new */
  add(start: number, end: number): number {
    if (end <= start) return 0
    let [freshBytes, from, to] = [end - start, start, end]
    const others: { readonly start: number; readonly end: number }[] = []
    for (const part of this.#parts) {
      const overlap = Math.min(end, part.end) - Math.max(start, part.start)
      if (overlap < 0) {
        others.push(part)
        continue
      }
      freshBytes -= overlap
      from = Math.min(from, part.start)
      to = Math.max(to, part.end)
    }
    this.#parts = [...others, { start: from, end: to }]
    return freshBytes
  }
}
