import { readFileSync } from 'node:fs'

/**
 * How many files and sockets this process may have open (proc(5), "Max open files"; Node raises the soft limit to the hard one when
 * it starts). Undefined where the system does not tell.
 */
export function readDescriptorLimit(): number | undefined {
  try {
    return parseDescriptorLimit(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return undefined
  }
}

/** Reads the soft limit from the text of `/proc/<pid>/limits`; infinite for `unlimited`. */
export function parseDescriptorLimit(limits: string): number | undefined {
  const [, soft] = /^Max open files\s+(\d+|unlimited)\s/m.exec(limits) ?? []
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

/** How file descriptors are shared out. What is left is for the store, origins and the program itself. */
export interface DescriptorShares {
  readonly http: number
  readonly p2p: number
}

const SMALLEST_SHARE = 16

/** The most connections of each kind: what is wished for, as far as half and a quarter of the descriptors go. */
export function shareDescriptors(limit: number | undefined, wished: DescriptorShares): DescriptorShares {
  if (limit === undefined) return wished
  const atMost = (wish: number, share: number) => Math.min(wish, Math.max(SMALLEST_SHARE, Math.floor(limit * share)))
  return { http: atMost(wished.http, 1 / 2), p2p: atMost(wished.p2p, 1 / 4) }
}
