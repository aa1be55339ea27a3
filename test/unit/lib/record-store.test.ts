import { Level } from 'level'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RecordStore } from '../../../lib/record-store.ts'
import { captureLog, type LogCapture } from '../../helpers/log-capture.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../helpers/scratch-directory.ts'

const key = Compile(Type.String({ pattern: '^[a-z]+$' }))
const value = Compile(Type.Object({ at: Type.Integer() }))

let scratch: ScratchDirectory
let log: LogCapture
beforeEach(async () => {
  scratch = await createScratchDirectory()
  log = captureLog()
})
afterEach(() => scratch[Symbol.asyncDispose]())

function createStore(damaged: 'dropped' | 'refused') {
  const init = { directory: scratch.path, name: 'things', key, value, damaged, advice: 'make them anew' }
  return new RecordStore({ logger: log.logger }, init)
}

/** What is in a store that starts, after which it is stopped. */
async function found(damaged: 'dropped' | 'refused'): Promise<[string, { at: number }][]> {
  const store = createStore(damaged)
  await store.start()
  const all = [...store.all()]
  await store.stop()
  return all
}

async function written(records: Readonly<Record<string, string>>): Promise<void> {
  const database = new Level(scratch.path)
  for (const [name, text] of Object.entries(records)) await database.put(name, text)
  await database.close()
}

async function keysOnDisk(): Promise<string[]> {
  const database = new Level(scratch.path)
  const keys = await database.keys().all()
  await database.close()
  return keys
}

test('records outlast a restart, until they are deleted', async () => {
  const store = createStore('refused')
  await store.start()
  await store.put('a', { at: 1 })
  await store.put('b', { at: 2 })
  expect([await store.delete('b'), await store.delete('b')]).toEqual([true, false])
  await store.stop()
  expect(await found('refused')).toEqual([['a', { at: 1 }]])
})

test('what is written last of a record stays, whichever write the database ends first', async () => {
  const store = createStore('dropped')
  await store.start()
  const names = Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index))
  const writes = Array.from({ length: 50 }, (_, at) => names.map(name => store.put(name, { at })))
  const deletion = store
    .put('gone', { at: 1 })
    .then(() => Promise.all([store.put('gone', { at: 2 }), store.delete('gone')]))
  expect((await deletion)[1]).toBe(true)
  await Promise.all(writes.flat())
  const last = names.map(name => [name, { at: 49 }])
  expect([...store.all()].toSorted()).toEqual(last)
  await store.stop()
  expect(await found('dropped')).toEqual(last)
})

describe.each([
  ['null', 'null'],
  ['another shape', '{"at":"soon"}'],
  ['no JSON', '{"at":'],
  ['an empty value', ''],
])('a record that is %s', (_, text) => {
  test('is dropped for good, with one warning that says what to do', async () => {
    await written({ a: '{"at":1}', b: text, c: text })
    expect(await found('dropped')).toEqual([['a', { at: 1 }]])
    expect(log.text().trim().split('\n')).toHaveLength(1)
    expect(JSON.parse(log.text())).toMatchObject({
      store: 'things',
      count: 2,
      keys: ['b', 'c'],
      advice: 'make them anew',
    })
    expect(await keysOnDisk()).toEqual(['a'])
  })

  test('keeps a store from starting whose records nobody may get around', async () => {
    await written({ a: '{"at":1}', b: text })
    await expect(found('refused')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining(`1 records in ${scratch.path} are damaged ("b"); make them anew`),
    })
    // Nothing is lost by it, and the database is not left locked.
    expect(await keysOnDisk()).toEqual(['a', 'b'])
  })
})

test('a key of another form is a damaged record too, also one that is no text', async () => {
  const database = new Level<Uint8Array, string>(scratch.path, { keyEncoding: 'view' })
  await database.put(Uint8Array.of(0xff, 0xfe), '{"at":1}')
  await database.close()
  expect(await found('dropped')).toEqual([])
  expect(await keysOnDisk()).toEqual([])
})
