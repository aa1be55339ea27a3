import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { ensurePrivateDirectory, writeFileAtomically } from '../../../lib/fs.ts'
import type { Startable } from '../../../lib/lifecycle.ts'
import { readOwnFile, WRITABLE_BY_OTHERS } from '../../../lib/own-file.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { TaskIdField } from '../../../protocol/messages/fields.ts'
import type { TaskId } from '../../../protocol/task.ts'

const KeptFile = Type.Array(Type.Object({ task: TaskIdField, pinnedBefore: Type.Boolean() }))
type KeptFile = Static<typeof KeptFile>

/** Remembers which tasks a node keeps as replicas: a pin alone could be its operator's. */
export interface KeptTasks extends Startable {
  /** Tasks, and whether each was pinned before it was kept. */
  all(): ReadonlyMap<TaskId, { readonly pinnedBefore: boolean }>
  /** @throws DamselflyError STORE_FAILED */
  add(task: TaskId, pinnedBefore: boolean): Promise<void>
  /** @returns what was known of it. @throws DamselflyError STORE_FAILED */
  delete(task: TaskId): Promise<{ readonly pinnedBefore: boolean } | undefined>
}

/** Keeps the list in `<dataDir>/replicas.json`. */
export function createKeptTasks({ dataDir }: { readonly dataDir: string }): KeptTasks {
  const file = join(dataDir, 'replicas.json')
  const kept = new Map<TaskId, { pinnedBefore: boolean }>()
  let lastWrite: Promise<void> = Promise.resolve()

  /** One after the other, each with the list as it is then. */
  function write(): Promise<void> {
    const written = lastWrite.then(async () => {
      const list: KeptFile = [...kept].map(([task, { pinnedBefore }]) => ({ task, pinnedBefore }))
      try {
        await writeFileAtomically(file, `${JSON.stringify(list)}\n`, 0o600)
      } catch (error) {
        throw failed(file, error)
      }
    })
    lastWrite = written.catch(() => {})
    return written
  }

  return {
    async start() {
      await ensurePrivateDirectory(dataDir)
      kept.clear()
      for (const { task, pinnedBefore } of await readList(file)) kept.set(task, { pinnedBefore })
    },
    stop: () => lastWrite,
    all: () => kept,
    async add(task, pinnedBefore) {
      if (kept.has(task)) return
      kept.set(task, { pinnedBefore })
      await write()
    },
    async delete(task) {
      const known = kept.get(task)
      if (!kept.delete(task)) return undefined
      await write()
      return known
    },
  }
}

async function readList(file: string): Promise<KeptFile> {
  const advice = 'remove it, and the supernode asks for its replicas anew'
  const text = await readOwnFile(file, { forbiddenMode: WRITABLE_BY_OTHERS, advice }).catch(error => {
    throw error instanceof DamselflyError ? error : failed(file, error)
  })
  if (text === undefined) return []
  const list = parsed(text.toString())
  if (Value.Check(KeptFile, list)) return list
  throw new DamselflyError(
    'STORE_FAILED',
    `${file} is damaged; delete it, and the supernode asks for its replicas anew`,
  )
}

function failed(file: string, error: unknown): DamselflyError {
  return new DamselflyError('STORE_FAILED', `${file}: ${(error as Error).message}`, { cause: error })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
