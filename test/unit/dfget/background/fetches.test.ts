import { beforeEach, expect, test } from 'vitest'
import { Fetches } from '../../../../dfget/peer/background/fetches.ts'
import type { TaskContent } from '../../../../dfget/peer/task/task-content.ts'
import type { StoredTask } from '../../../../lib/blocks/block-store.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import type { Source } from '../../../../lib/origin/origin.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import type { PeerToSupernode } from '../../../../protocol/messages/control.ts'
import { type TaskId, taskIdOfDigest } from '../../../../protocol/task.ts'
import { waitFor } from '../../../helpers/wait.ts'

const taskOf = (name: string) => taskIdOfDigest(digestOf(Buffer.from(name)))
const sourceOf = (name: string) => ({ url: `https://r.example/${name}`, digest: digestOf(Buffer.from(name)) })

/** A download that the test brings to its end. */
interface Opened {
  readonly source: Source
  readonly signal: AbortSignal
  readonly end: (error?: Error) => void
}

let said: PeerToSupernode[]
let opened: Opened[]
let abandoned: Source[]
let blocked: Set<TaskId>
let stored: Map<TaskId, Partial<StoredTask>>
/** What content an open source turns out to have; that of its digest by default. */
let contentOf: (source: Source) => TaskId | undefined
let fetches: Fetches

beforeEach(() => {
  said = []
  opened = []
  abandoned = []
  blocked = new Set()
  stored = new Map()
  contentOf = ({ digest }) => digest && taskIdOfDigest(digest)
  fetches = new Fetches({
    tasks: { open, abandon: source => void abandoned.push(source) },
    store: { find: async task => stored.get(task) as StoredTask | undefined },
    forbidden: { has: task => blocked.has(task) },
    send: message => void said.push(message),
    logger: silentLogger(),
  })
  return () => fetches.stop()
})

async function open(source: Source, { signal, background }: { signal: AbortSignal; background?: boolean }) {
  expect(background).toBe(true)
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  opened.push({ source, signal, end: error => (error === undefined ? resolve(undefined) : reject(error)) })
  signal.addEventListener('abort', () => reject(signal.reason))
  const settled = () => promise
  return { taskId: contentOf(source), settled } as Partial<TaskContent> as TaskContent
}

const fetch = (name: string) => fetches.receive({ type: 'fetch', task: taskOf(name), source: sourceOf(name) })
const stop = (name: string) => fetches.receive({ type: 'stop-fetch', task: taskOf(name) })

async function begun(count: number): Promise<Opened[]> {
  await waitFor(() => opened.length >= count, { timeoutMs: 5_000, what: `download ${count}` })
  return opened
}

async function hears(count: number): Promise<PeerToSupernode[]> {
  await waitFor(() => said.length >= count, { timeoutMs: 5_000, what: `message ${count}` })
  return said
}

async function finish(name: string): Promise<void> {
  const download = opened.find(({ source }) => source.digest === sourceOf(name).digest)
  stored.set(taskOf(name), { complete: true, storedBytes: 1 })
  download?.end()
}

test('what the supernode says is fetched from the swarm alone, as it was said, and once', async () => {
  fetch('a')
  fetch('a')
  const [download] = await begun(1)
  expect(download?.source).toEqual({ ...sourceOf('a'), headers: {}, swarmOnly: true })
  await finish('a')
  expect(await hears(1)).toEqual([{ type: 'fetched', task: taskOf('a') }])
  expect(opened).toHaveLength(1)
})

test('what is stored is said at once, and not opened', async () => {
  stored.set(taskOf('a'), { complete: true })
  fetch('a')
  expect(await hears(1)).toEqual([{ type: 'fetched', task: taskOf('a') }])
  expect(opened).toEqual([])
})

test('what is blocked is refused', async () => {
  blocked.add(taskOf('a'))
  fetch('a')
  expect(said).toEqual([{ type: 'not-fetched', task: taskOf('a'), code: 'TASK_BLOCKED' }])
})

test('content that comes slowly is waited for as long as it comes, and then given up', async () => {
  fetch('a')
  for (const storedBytes of [10, 10, 20, 20, 20]) {
    const download = (await begun(opened.length + Number(opened.length === 0))).at(-1)
    const before = opened.length
    stored.set(taskOf('a'), { complete: false, storedBytes })
    download?.end()
    await waitFor(() => opened.length > before || said.length > 0, { timeoutMs: 5_000 })
  }
  opened.at(-1)?.end()
  expect(await hears(1)).toEqual([{ type: 'not-fetched', task: taskOf('a'), code: 'BLOCK_LATE' }])
})

test.each([
  ['STORE_FULL', new DamselflyError('STORE_FULL')],
  [
    'UNAUTHORIZED',
    new DamselflyError('BACK_TO_SOURCE_DISABLED', undefined, { cause: new DamselflyError('UNAUTHORIZED') }),
  ],
  ['BACK_TO_SOURCE_DISABLED', new DamselflyError('BACK_TO_SOURCE_DISABLED')],
] as const)('a download that fails is said with its reason, %s', async (code, error) => {
  fetch('a')
  const [download] = await begun(1)
  download?.end(error)
  expect(await hears(1)).toEqual([{ type: 'not-fetched', task: taskOf('a'), code }])
  expect(abandoned).toEqual([])
})

test('other content than was meant is not fetched', async () => {
  contentOf = () => taskOf('new')
  fetch('a')
  expect(await hears(1)).toEqual([{ type: 'not-fetched', task: taskOf('a'), code: 'TASK_UNKNOWN' }])
})

test('a few are fetched at once, the others in the order in which they were said, without those that are not wanted any more', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  for (const name of names) fetch(name)
  await begun(4)
  stop('e')
  await finish('b')
  await begun(5)
  await finish('a')
  await begun(6)
  expect(opened.map(({ source }) => source.url)).toEqual(['a', 'b', 'c', 'd', 'f', 'g'].map(name => sourceOf(name).url))
})

test('too many are refused', async () => {
  for (let at = 0; at < 1_005; at++) fetch(`${at}`)
  expect(said).toEqual([{ type: 'not-fetched', task: taskOf('1004'), code: 'TOOMANYREQUESTS' }])
  stop('1003')
  fetch('1004')
  expect(said).toHaveLength(1)
})

test('what is not wanted any more ends without a word, and so does its download', async () => {
  fetch('a')
  const [download] = await begun(1)
  stop('a')
  expect(download?.signal.aborted).toBe(true)
  await waitFor(() => abandoned.length > 0, { timeoutMs: 5_000 })
  expect(abandoned).toEqual([{ ...sourceOf('a'), headers: {}, swarmOnly: true }])
  expect(said).toEqual([])
})

test('what is wanted again goes on with the download that it had', async () => {
  fetch('a')
  await begun(1)
  stop('a')
  fetch('a')
  await begun(2)
  opened.at(-1)?.end(new DamselflyError('STORE_FULL'))
  await hears(1)
  expect(abandoned).toEqual([])
})

test('over a new link nothing is remembered, and downloads go on for whoever wants them again', async () => {
  fetch('a')
  await begun(1)
  fetches.linked()
  expect(opened[0]?.signal.aborted).toBe(true)
  fetch('a')
  await begun(2)
  await waitFor(() => opened[1] !== undefined, { timeoutMs: 5_000 })
  stored.set(taskOf('a'), { complete: true })
  opened[1]?.end()
  expect(await hears(1)).toEqual([{ type: 'fetched', task: taskOf('a') }])
  expect(abandoned).toEqual([])
})
