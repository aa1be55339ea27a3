import { hostname } from 'node:os'

/** How nodes reach the API: its own URL, with the name of the machine where it listens at all addresses. */
export function joinUrlOf(url: string, name = hostname()): string {
  const reached = new URL(url)
  if (reached.hostname === '0.0.0.0' || reached.hostname === '[::]') reached.hostname = name
  return reached.origin
}
