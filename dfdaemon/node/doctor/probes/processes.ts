import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

/** A process of this machine. */
export interface RunningProcess {
  readonly pid: number
  /** Its command line. */
  readonly args: readonly string[]
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Undefined where this user may not see it. */
  readonly environment: Readonly<Record<string, string>> | undefined
}

/** In which the kernel counts times, on every architecture that Node runs on (proc(5), `_SC_CLK_TCK`). */
const TICKS_PER_SECOND = 100

/** The processes with this name (`comm`), as far as this user sees them. Empty where there is no /proc. */
export async function processesCalled(name: string): Promise<RunningProcess[]> {
  const pids = await processIds()
  const found = await Promise.all(pids.map(pid => processAt(pid, name)))
  return found.filter(process => process !== undefined)
}

/** All process ids. Empty where there is no /proc. */
export async function processIds(): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [])
  return names.filter(name => /^\d+$/.test(name)).map(Number)
}

/** The name (`comm`) of a process; undefined when it has ended. */
export async function processName(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => undefined)
  return text?.trimEnd()
}

/** The file name of the program that a process runs; undefined when it has ended or this user may not see it. */
export async function programName(pid: number): Promise<string | undefined> {
  const path = await readlink(`/proc/${pid}/exe`).catch(() => undefined)
  return path === undefined ? undefined : basename(path)
}

async function processAt(pid: number, name: string): Promise<RunningProcess | undefined> {
  if ((await processName(pid)) !== name) return undefined
  const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => undefined)
  const [args, status, environment] = [await read('cmdline'), await read('stat'), await read('environ')]
  const uptime = await readFile('/proc/uptime', 'utf8')
  if (args === undefined || status === undefined) return undefined
  return {
    pid,
    args: args.split('\0').slice(0, -1),
    startedAt: Date.now() - (Number.parseFloat(uptime) - startTicks(status) / TICKS_PER_SECOND) * 1000,
    environment: environment === undefined ? undefined : environmentOf(environment),
  }
}

/** Field 22 of /proc/PID/stat, counted behind the name, which may hold anything. */
function startTicks(status: string): number {
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
  return Number(fields[19])
}

function environmentOf(text: string): Record<string, string> {
  const entries = text.split('\0').filter(entry => entry.includes('='))
  return Object.fromEntries(
    entries.map(entry => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}
