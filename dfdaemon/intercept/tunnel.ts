import type { Socket } from 'node:net'
import type { Clock } from '../../lib/clock.ts'

/** How many looks at its byte counts a tunnel gets within its idle timeout. */
const LOOKS_PER_TIMEOUT = 4

/**
 * Carries bytes between two connected sockets, untouched: with back-pressure, and with an end of one direction that leaves the
 * other open. Both are destroyed when either fails, or when no byte has moved for `idleTimeoutMs` (and up to a quarter more).
 */
export function tunnel(clock: Clock, client: Socket, server: Socket, idleTimeoutMs: number): void {
  let moved = movedBytes(client, server)
  let silentLooks = 0
  const stopLooking = clock.every(idleTimeoutMs / LOOKS_PER_TIMEOUT, () => {
    const now = movedBytes(client, server)
    silentLooks = now === moved ? silentLooks + 1 : 0
    moved = now
    if (silentLooks >= LOOKS_PER_TIMEOUT) destroyBoth()
  })
  function destroyBoth(): void {
    stopLooking()
    client.destroy()
    server.destroy()
  }
  function ended(other: Socket, failed: boolean): void {
    if (client.closed && server.closed) stopLooking()
    if (failed) other.resetAndDestroy()
    // What is still on its way out may arrive.
    else other.destroySoon()
  }
  client.once('close', failed => ended(server, failed))
  server.once('close', failed => ended(client, failed))
  client.pipe(server)
  server.pipe(client)
}

function movedBytes(client: Socket, server: Socket): number {
  return client.bytesRead + client.bytesWritten + server.bytesRead + server.bytesWritten
}
