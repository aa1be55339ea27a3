import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** Calls back with the JSON of each line that comes. */
export function readLines(socket: Socket, heard: (message: unknown) => void): void {
  const lines = createInterface({ input: socket })
  lines.on('line', line => heard(JSON.parse(line)))
  // The errors of its socket come here, too; whoever holds the socket sees to them.
  lines.on('error', () => {})
}

/** The end of a process that the run started: what it says, and what it hears. It ends with the run. */
export interface Post {
  say(message: object): void
}

/** Reports at the hub. Calls back with each order. */
export function reportAt(path: string, name: string, heard: (message: unknown) => void): Post {
  const socket = connect(path)
  const say = (message: object) => void socket.write(`${JSON.stringify(message)}\n`)
  socket.on('close', () => process.exit(0))
  socket.on('error', () => process.exit(0))
  readLines(socket, heard)
  say({ name })
  return { say }
}

/** Milliseconds since 1970 with fractions, by the machine's monotonic clock: a scale that all processes of the run share. */
export function timeNow(): number {
  return performance.timeOrigin + performance.now()
}
