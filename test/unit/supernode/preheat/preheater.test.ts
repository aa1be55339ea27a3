import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../../lib/logger.ts'
import type { Source } from '../../../../lib/origin/origin.ts'
import { OriginError } from '../../../../lib/origin/origin-error.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import type { PreheatRequest } from '../../../../protocol/messages/preheat-api.ts'
import { taskIdOfDigest } from '../../../../protocol/task.ts'
import { JobStore } from '../../../../supernode/preheat/job-store.ts'
import { Preheater } from '../../../../supernode/preheat/preheater.ts'
import type { ResolvedImage } from '../../../../supernode/preheat/resolve-image.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { linkedNode, PLAN_CONFIG } from '../../../helpers/plan-fixture.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const logger = silentLogger()
const DAY_ONE = Date.UTC(2026, 0, 1)
const IMAGE = 'registry.example/team/app:v1'

let scratch: ScratchDirectory
let clock: ReturnType<typeof createManualClock>
let store: JobStore
let preheater: Preheater
let log: string[]
/** What the tag means, or why nobody can say it. */
let tag: string | DamselflyError
let resolves: PreheatRequest[]
let reads: { source: Source; end(error?: DamselflyError): void }[]

function imageOf(content: string): ResolvedImage {
  const digest = digestOf(Buffer.from(content))
  const source = { url: `https://registry.example/v2/team/app/blobs/${digest}`, headers: {}, digest }
  return { digest, contents: [{ name: 'layer 1 of 1', source, sizeBytes: content.length, isOptional: false }] }
}

function createPreheater(): Preheater {
  return new Preheater(
    {
      records: store,
      async resolve(request) {
        resolves.push(request)
        if (typeof tag !== 'string') throw tag
        return imageOf(tag)
      },
      reader: {
        read(source, opened) {
          const { promise, resolve, reject } = Promise.withResolvers<void>()
          reads.push({ source, end: error => (error === undefined ? resolve() : reject(error)) })
          const { digest } = source
          if (digest !== undefined)
            opened({ task: taskIdOfDigest(digest), source, info: { sizeBytes: 2, validator: undefined } })
          return promise
        },
      },
      nodes: {
        all: () => [linkedNode('a'), linkedNode('b')],
        fetch: (peer, { task }) => void log.push(`fetch ${peer} ${task}`),
        stop: (peer, task) => void log.push(`stop ${peer} ${task}`),
      },
      progress: { stored: () => ({ storedBytes: 1, sizeBytes: 2 }), atNodes: () => new Map([['nodea', 1]]) },
      clock,
      logger,
    },
    { plan: PLAN_CONFIG, deadlineMs: 60_000 },
  )
}

/** Lets all promises run that need no time. */
const settled = () => new Promise(resolve => setImmediate(resolve))

async function advance(ms: number): Promise<void> {
  clock.advance(ms)
  await settled()
}

function fetched(node: string, content: string): void {
  preheater.tell({
    type: 'fetched',
    peer: `node${node}`,
    task: taskIdOfDigest(digestOf(Buffer.from(content))),
    now: clock.now(),
  })
}

beforeEach(async () => {
  scratch = await createScratchDirectory()
  clock = createManualClock(DAY_ONE)
  store = new JobStore({ logger }, { dataDir: scratch.path })
  await store.start()
  log = []
  tag = 'v1'
  resolves = []
  reads = []
  preheater = createPreheater()
  await preheater.lifecycle.start()
})

afterEach(async () => {
  await preheater.lifecycle.stop()
  await store.stop()
  await scratch[Symbol.asyncDispose]()
})

async function finish(content: string): Promise<void> {
  reads.at(-1)?.end()
  await settled()
  for (const node of ['a', 'b']) fetched(node, content)
  await settled()
}

describe('a job', () => {
  test('runs, and has succeeded when all nodes have all of it', async () => {
    const { job, isNew } = await preheater.start({ image: IMAGE })
    expect([isNew, job.id, job.state, job.scope]).toEqual([true, 1, 'running', 'all'])
    await settled()
    expect(preheater.get(1)).toMatchObject({
      state: 'running',
      digest: imageOf('v1').digest,
      contents: { done: 0, total: 1 },
      nodes: { done: 0, failed: 0, total: 2 },
      contentList: [{ state: 'reading', sizeBytes: 2, storedBytes: 1 }],
      nodeList: [
        { name: 'a', state: 'fetching', storedBytes: 1 },
        { name: 'b', storedBytes: 0 },
      ],
    })
    await finish('v1')
    expect(preheater.get(1)).toMatchObject({ state: 'succeeded', endedAt: DAY_ONE, nodes: { done: 2 }, reason: null })
    expect(preheater.list().map(({ id, state }) => [id, state])).toEqual([[1, 'succeeded']])
  })

  test('without a registry that answers fails at its deadline, with the reason and what to do', async () => {
    tag = new DamselflyError('ORIGIN_UNREACHABLE', 'registry.example: connection refused')
    await preheater.start({ image: IMAGE })
    for (let second = 0; second < 120; second++) await advance(1_000)
    expect(preheater.get(1)).toMatchObject({
      state: 'failed',
      reason: {
        code: 'ORIGIN_UNREACHABLE',
        message: expect.stringMatching(/connection refused; see whether it is up/),
      },
    })
    expect(resolves.length).toBeLessThan(15)
  })

  test('whose manifest is announced before it can be read waits for it', async () => {
    tag = new OriginError('MANIFEST_UNKNOWN', 'no such tag')
    await preheater.start({ image: IMAGE })
    await settled()
    tag = 'v1'
    await advance(100)
    expect(preheater.get(1)?.state).toBe('running')
  })

  test('for an image that nobody knows fails within seconds', async () => {
    tag = new OriginError('MANIFEST_UNKNOWN', 'no such tag')
    await preheater.start({ image: IMAGE })
    for (let second = 0; second < 20; second++) await advance(1_000)
    expect(preheater.get(1)).toMatchObject({ state: 'failed', reason: { code: 'MANIFEST_UNKNOWN' } })
  })

  test('for an index without anything for its nodes fails at once', async () => {
    tag = new DamselflyError('MANIFEST_UNKNOWN', 'it has linux/arm64')
    await preheater.start({ image: IMAGE })
    await settled()
    expect(preheater.get(1)).toMatchObject({
      state: 'failed',
      reason: { message: expect.stringMatching(/linux.arm64/) },
    })
  })

  test('can be cancelled, before it is known what belongs to it and after', async () => {
    await preheater.start({ image: IMAGE })
    await settled()
    expect(await preheater.cancel(1)).toBe(true)
    expect(preheater.get(1)?.state).toBe('cancelled')
    expect(log.filter(line => line.startsWith('stop'))).toHaveLength(2)
    expect([await preheater.cancel(1), await preheater.cancel(7)]).toEqual([false, false])
    tag = new DamselflyError('ORIGIN_FAILED')
    await preheater.start({ image: IMAGE })
    await settled()
    await preheater.cancel(2)
    expect(preheater.get(2)?.state).toBe('cancelled')
  })

  test('is told to whoever watches it, to its end', async () => {
    await preheater.start({ image: IMAGE })
    const states: string[] = []
    const watching = (async () => {
      for await (const { state } of preheater.watch(1, { signal: new AbortController().signal })) states.push(state)
    })()
    await settled()
    await advance(500)
    await advance(500)
    await finish('v1')
    await advance(500)
    await watching
    expect(states).toEqual(['running', 'succeeded'])
  })
})

describe('the same once more', () => {
  test('is the same job while that is under way', async () => {
    await preheater.start({ image: IMAGE, platforms: ['linux/arm64', 'linux/amd64'] })
    const again = await preheater.start({ image: IMAGE, scope: 'all', platforms: ['linux/amd64', 'linux/arm64'] })
    expect([again.isNew, again.job.id]).toEqual([false, 1])
    expect((await preheater.start({ image: IMAGE, scope: 'supernode' })).job.id).toBe(2)
  })

  test('has the tag read once more at the end, and is another job only if it has moved', async () => {
    await preheater.start({ image: IMAGE })
    await settled()
    for (let event = 0; event < 3; event++) await preheater.start({ image: IMAGE })
    await finish('v1')
    expect([resolves.length, preheater.list().length]).toEqual([2, 1])

    await preheater.start({ image: IMAGE })
    await settled()
    await preheater.start({ image: IMAGE })
    tag = 'v2'
    await finish('v1')
    await settled()
    expect(preheater.list().map(({ id, state }) => [id, state])).toEqual([
      [3, 'running'],
      [2, 'succeeded'],
      [1, 'succeeded'],
    ])
  })

  test('10,000 times is one job, if it is an event: also after that has ended', async () => {
    const image = `${IMAGE}@${imageOf('v1').digest}`
    for (let event = 0; event < 5_000; event++) await preheater.start({ image }, { isEvent: true })
    await settled()
    await finish('v1')
    for (let event = 0; event < 5_000; event++) await preheater.start({ image }, { isEvent: true })
    expect(preheater.list().map(({ id, state }) => [id, state])).toEqual([[1, 'succeeded']])
    expect(resolves).toHaveLength(1)
    await advance(10 * 60_000)
    expect((await preheater.start({ image }, { isEvent: true })).isNew).toBe(true)
  })

  test('as an event whose job has failed starts another after a minute', async () => {
    const image = `${IMAGE}@${imageOf('v1').digest}`
    const start = async () => (await preheater.start({ image }, { isEvent: true })).isNew
    tag = new DamselflyError('UNAUTHORIZED', 'who are you?')
    expect(await start()).toBe(true)
    await settled()
    expect([await start(), preheater.list().map(({ state }) => state)]).toEqual([false, ['failed']])
    await advance(60_000)
    expect(await start()).toBe(true)
  })
})

describe('after a restart', () => {
  async function restart(): Promise<void> {
    await preheater.lifecycle.stop()
    await store.stop()
    store = new JobStore({ logger }, { dataDir: scratch.path })
    await store.start()
    preheater = createPreheater()
    await preheater.lifecycle.start()
    await settled()
  }

  test('a job goes on with what its tag meant, without the credentials it came with', async () => {
    await preheater.start({ image: IMAGE, headers: { Authorization: 'Bearer secret' } })
    await settled()
    await restart()
    expect(preheater.get(1)?.state).toBe('running')
    expect(resolves.at(-1)).toEqual({
      image: `${IMAGE}@${imageOf('v1').digest}`,
      scope: 'all',
      platforms: [],
      standing: false,
    })
    await finish('v1')
    await restart()
    expect(preheater.get(1)).toMatchObject({ state: 'succeeded', name: IMAGE })
    expect((await preheater.start({ image: IMAGE })).job.id).toBe(2)
  })

  test('nothing of the credentials is on the disk', async () => {
    await preheater.start({
      image: IMAGE,
      headers: { Authorization: 'Bearer secret' },
      credentials: { username: 'u', password: 'hush' },
    })
    await settled()
    await finish('v1')
    expect(JSON.stringify([...store.all()])).not.toMatch(/secret|hush/)
  })
})

test.each<[string, PreheatRequest]>([
  ['nothing', {}],
  ['both an image and files', { image: IMAGE, files: ['http://x.example/a'] }],
  ['a scope that is none', { image: IMAGE, scope: 'everybody' }],
  ['an image that is none', { image: 'registry.example/UPPER:tag' }],
  ['a URL that is none', { files: ['http://'] }],
  ['an identity of an image', { image: IMAGE, identity: { tag: 'x' } }],
  ['platforms of files', { files: ['http://x.example/a'], platforms: ['linux/amd64'] }],
])('refuses %s', async (_what, request) => {
  await expect(preheater.start(request)).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  expect(preheater.list()).toEqual([])
})

test('refuses more jobs than it can carry out, and takes them when others have ended', async () => {
  tag = new DamselflyError('ORIGIN_UNREACHABLE')
  for (let job = 0; job < 2_000; job++) await preheater.start({ image: `registry.example/team/app:v${job}` })
  await expect(preheater.start({ image: IMAGE.replace('v1', 'x') })).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' })
  await preheater.cancel(7)
  expect((await preheater.start({ image: IMAGE.replace('v1', 'x') })).isNew).toBe(true)
})
