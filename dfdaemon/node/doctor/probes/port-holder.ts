import { readdir, readFile, readlink } from 'node:fs/promises'
import type { PortHolder } from '../checks/daemon.ts'
import { processIds, programName } from './processes.ts'

const LISTENING = '0A'

/** Who listens at a TCP port of this machine, whatever the address; undefined when nobody does. */
export async function portHolder(port: number): Promise<PortHolder | undefined> {
  const tables = await Promise.all(['tcp', 'tcp6'].map(name => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')))
  const inodes = tables.flatMap(table => listeningInodes(table, port))
  if (inodes.length === 0) return undefined
  const targets = new Set(inodes.map(inode => `socket:[${inode}]`))
  for (const pid of await processIds()) {
    if (!(await holdsAny(pid, targets))) continue
    return { process: { pid, name: (await programName(pid)) ?? 'a process' } }
  }
  return { process: undefined }
}

/** The inodes of the sockets that listen at a port, from /proc/net/tcp or tcp6 (proc_net_tcp in the kernel's documentation). */
export function listeningInodes(table: string, port: number): string[] {
  return table
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTENING && Number.parseInt(local?.split(':')[1] ?? '', 16) === port)
    .flatMap(fields => fields[9] ?? [])
}

async function holdsAny(pid: number, targets: ReadonlySet<string>): Promise<boolean> {
  const directory = `/proc/${pid}/fd`
  // Closed to others than root and the process's own user.
  for (const name of await readdir(directory).catch(() => [])) {
    const target = await readlink(`${directory}/${name}`).catch(() => '')
    if (targets.has(target)) return true
  }
  return false
}
