import { isDigest } from '../../../protocol/digest.ts'
import type { RequestEntry } from '../../../registry-mock/request-log.ts'
import type { Machines } from '../cluster/machines.ts'
import type { MachineName } from '../plan/fault.ts'
import type { OriginRead } from './origin-bytes.ts'

/** The `User-Agent` of a runtime, which asks from the same address as its node's dfdaemon. */
export const RUNTIME_AGENT = 'chaos-runtime'

/** What the registry's log says of blobs. @param t0 when the load began, in milliseconds since 1970 */
export function originReads(
  requests: readonly RequestEntry[],
  { machines, names, t0 }: { machines: Machines; names: readonly MachineName[]; t0: number },
): OriginRead[] {
  const nameOf = new Map(names.map(name => [machines.named(name).node.address, name]))
  return requests.flatMap(({ method, path, range, from, startedAt, bytesSent, status, userAgent }) => {
    const digest = /\/blobs\/([^?]+)/.exec(path)?.[1]
    if (method !== 'GET' || digest === undefined || !isDigest(digest) || (status !== 200 && status !== 206)) return []
    const start = status === 206 ? Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1]) : 0
    const reader = nameOf.get(from.replace(/^::ffff:/, '')) ?? from
    const byRuntime = userAgent === RUNTIME_AGENT
    return [{ digest, start, end: start + bytesSent, atMs: startedAt - t0, reader, byRuntime }]
  })
}
