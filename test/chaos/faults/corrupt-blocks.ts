import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { dataDirectory } from '../cluster/programs.ts'
import type { PlannedFault } from '../plan/fault.ts'
import type { FaultAction } from './fault-action.ts'

/** Changes stored bytes behind the back of a running program. What is changed stays so. */
export const corruptRunning: FaultAction = async ({ machines }, fault) => {
  await corrupt(dataDirectory({ disk: machines.keeping(fault.target).disk.path }), fault)
  return async () => {}
}

/** Kills a program, changes what it had stored, and starts it again. */
export const corruptStopped: FaultAction = async (cluster, fault) => {
  const unit = cluster.unit(fault.target)
  await unit.kill()
  await corruptRunning(cluster, fault)
  return () => unit.start()
}

async function corrupt(directory: string, { stepBytes = 1, everyFile = 1 }: PlannedFault): Promise<void> {
  const blocks = join(directory, 'blocks')
  for (const [index, name] of (await readdir(blocks)).sort().entries()) {
    if (index % everyFile === 0) await changeBytes(join(blocks, name), stepBytes)
  }
}

async function changeBytes(path: string, stepBytes: number): Promise<void> {
  const file = await open(path, 'r+').catch(ifExists)
  if (file === undefined) return
  try {
    const { size } = await file.stat()
    const byte = new Uint8Array(1)
    for (let at = 0; at < size; at += stepBytes) {
      await file.read(byte, 0, 1, at)
      // What is not stored yet stays a hole.
      if (byte[0] !== 0) await file.write(Uint8Array.of((byte[0] ?? 0) ^ 0x55), 0, 1, at)
    }
  } finally {
    await file.close()
  }
}

/** The program may have deleted it in the meantime. */
function ifExists(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
