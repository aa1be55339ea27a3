import { appendFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { importFile } from '../../../../dfget/cli/cache/import-file.ts'
import { type InputFile, openInputFile, openInputStream } from '../../../../dfget/cli/cache/input-file.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import type { LocatedTask } from '../../../../protocol/messages/task-api.ts'
import type { TaskId } from '../../../../protocol/task.ts'
import type { TaskClient } from '../../../../supernode/client/task-client.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const { signal } = new AbortController()

let scratch: ScratchDirectory
let path: string
let file: InputFile

beforeEach(async () => {
  scratch = await createScratchDirectory()
  path = join(scratch.path, 'file')
  await writeFile(path, 'content')
  file = await openInputFile(path)
})

afterEach(async () => {
  await file.close()
  await scratch[Symbol.asyncDispose]()
})

function taskOf(task: TaskId, wanted = 0): LocatedTask {
  return {
    id: task,
    state: 'complete',
    sizeBytes: 7,
    blockSizeBytes: 256 * 1024,
    storedBytes: 7,
    peers: 0,
    small: false,
    imported: true,
    pinned: true,
    replicas: { wanted, kept: 0, underWay: 0 },
    holders: [],
  }
}

/** A supernode that has what it is told, and says what it was asked. */
function createFakeTasks(found?: Partial<LocatedTask>, onImport: (body: Buffer) => Promise<void> = async () => {}) {
  const asked: string[] = []
  const client: TaskClient = {
    async show(task) {
      asked.push('show')
      return found === undefined ? undefined : { ...taskOf(task), ...found }
    },
    async locate() {
      throw new Error('not expected')
    },
    async import({ digest, body, replicas = 0 }) {
      const sent = await buffer(body)
      asked.push(`import ${sent}`)
      await onImport(sent)
      return taskOf(digest as string as TaskId, replicas)
    },
    async wantReplicas(task, wanted) {
      asked.push(`replicas ${wanted}`)
      return taskOf(task, wanted)
    },
    async remove() {},
  }
  return { asked, client }
}

describe('a file', () => {
  test('is sent where it is not there', async () => {
    const { asked, client } = createFakeTasks()
    const result = await importFile({ tasks: client, progress: undefined }, file, 2, { signal })
    expect(asked).toEqual(['show', 'import content'])
    expect(result).toMatchObject({
      digest: digestOf(Buffer.from('content')),
      sentBytes: 7,
      task: { replicas: { wanted: 2 } },
    })
  })

  test.each<[string, Partial<LocatedTask>, number | undefined, string[]]>([
    ['is not sent again', {}, undefined, ['show']],
    ['is not sent again for other replicas', {}, 3, ['show', 'replicas 3']],
    ['is sent where it is only stored', { imported: false }, undefined, ['show', 'import content']],
    ['is sent where it is not whole any more', { state: 'idle' }, undefined, ['show', 'import content']],
  ])('%s', async (_, found, replicas, expected) => {
    const { asked, client } = createFakeTasks(found)
    await importFile({ tasks: client, progress: undefined }, file, replicas, { signal })
    expect(asked).toEqual(expected)
  })

  test('is sent again when its import had to give way', async () => {
    let tries = 0
    const { asked, client } = createFakeTasks(undefined, async () => {
      if (++tries < 3) throw new DamselflyError('TOOMANYREQUESTS')
    })
    await importFile({ tasks: client, progress: undefined }, file, undefined, { signal })
    expect(asked).toEqual(['show', 'import content', 'import content', 'import content'])
  })

  test('is shown on a terminal while it is hashed and sent', async () => {
    const clock = createManualClock()
    let shown = ''
    const progress = { isTTY: true, columns: 120, write: (text: string) => (shown += text) }
    const { client } = createFakeTasks(undefined, async () => clock.advance(200))
    await importFile({ tasks: client, progress, clock }, file, undefined, { signal })
    expect(shown).toContain('/file 100%')
    expect(shown).toContain('7 B of 7 B')
    expect(shown.endsWith('\r\x1b[2K')).toBe(true)
  })

  test('that changes between its two readings is not imported', async () => {
    const changed = expect.objectContaining({
      code: 'INPUT_FAILED',
      message: expect.stringMatching(/: it changed while/),
    })
    const { client } = createFakeTasks(undefined, async () => {
      await appendFile(path, 'more')
      throw new DamselflyError('DIGEST_INVALID')
    })
    await expect(importFile({ tasks: client, progress: undefined }, file, undefined, { signal })).rejects.toEqual(
      changed,
    )
    await expect(file.checkUnchanged()).rejects.toEqual(changed)
  })

  test('whose time changes was written to', async () => {
    await utimes(path, 1, 1)
    await expect(buffer(file.read({ signal }))).rejects.toMatchObject({ code: 'INPUT_FAILED' })
  })

  test('that becomes shorter while it is read is refused', async () => {
    await writeFile(path, 'c')
    await expect(buffer(file.read({ signal }))).rejects.toMatchObject({
      message: expect.stringContaining('it changed while it was read'),
    })
  })
})

test('a stream is kept in a file that nobody else sees', async () => {
  const stream = Readable.from([Buffer.from('con'), Buffer.from('tent')])
  const kept = await openInputStream(stream, { signal })
  const bytes = await buffer(kept.read({ signal }))
  expect([kept.name, kept.sizeBytes, bytes.toString()]).toEqual(['standard input', 7, 'content'])
  await kept.close()
})

test('a silent stream does not hold up whoever has had enough', async () => {
  const controller = new AbortController()
  const opening = openInputStream(new Readable({ read() {} }), { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(opening).rejects.toThrow('enough')
})
