import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Origin, OriginContent, Source } from '../../lib/origin/origin.ts'
import { patternBytes, readAll } from './origin-content.ts'
import { waitFor } from './wait.ts'

/** An origin with a place that it reads from, and what has to be cleaned up after both. */
export interface OriginContractFixture extends AsyncDisposable {
  readonly origin: Origin
  /** Stores content, in place of what had the name before. */
  put(name: string, content: Buffer): Promise<Source>
  /** Where nothing is. */
  readonly missing: Source
  /** Does something with stored content that its requester may not read. */
  withForbidden<T>(work: (origin: Origin, source: Source) => Promise<T>): Promise<T>
  /** How many contents the place is giving out now: connections that answer, open files. */
  held(): Promise<number>
  /** How many bytes were taken from the place so far, with what belongs to them. */
  takenBytes(): Promise<number>
}

const CONTENT = patternBytes(300_001)
const CHANGED = patternBytes(300_002).subarray(1)
/** More than all buffers on the way take. */
const LARGE = Buffer.alloc(64 * 1024 * 1024, CONTENT)
const TIMEOUT = { timeoutMs: 10_000 }

/** What every origin does. Each implementation runs it. */
export function describeOrigin(name: string, createFixture: () => Promise<OriginContractFixture>): void {
  describe(`${name} as an origin`, () => {
    let fixture: OriginContractFixture
    let origin: Origin

    beforeEach(async () => {
      fixture = await createFixture()
      origin = fixture.origin
    })

    afterEach(() => fixture[Symbol.asyncDispose]())

    const isHeld = (count: number) =>
      waitFor(async () => (await fixture.held()) === count, { ...TIMEOUT, what: `${count} held contents` })

    it('reads the whole content and says what it is', async () => {
      const opened = await origin.open(await fixture.put('whole', CONTENT))
      expect(opened).toMatchObject({
        sizeBytes: CONTENT.length,
        start: 0,
        validator: expect.stringMatching(/^"[^"]+"$/),
      })
      expect(await readAll(opened.body)).toEqual(CONTENT)
      opened.close()
      await isHeld(0)
    })

    it.each([
      ['from the beginning', { start: 0, end: 7 }, CONTENT.subarray(0, 7)],
      ['from an offset to the end', { start: 100_001 }, CONTENT.subarray(100_001)],
      ['from an offset to another', { start: 7, end: 200_000 }, CONTENT.subarray(7, 200_000)],
      ['the last byte', { start: CONTENT.length - 1 }, CONTENT.subarray(-1)],
      ['past the end', { start: 300_000, end: 999_999 }, CONTENT.subarray(300_000)],
    ])('reads a part %s', async (_, options, expected) => {
      const opened = await origin.open(await fixture.put('part', CONTENT), options)
      expect(opened).toMatchObject({ start: options.start, sizeBytes: CONTENT.length })
      expect(await readAll(opened.body)).toEqual(expected)
      await isHeld(0)
    })

    it('refuses parts without bytes', async () => {
      const source = await fixture.put('part', CONTENT)
      for (const options of [
        { start: CONTENT.length },
        { start: CONTENT.length + 5, end: CONTENT.length + 9 },
        { start: 5, end: 5 },
        { start: 5, end: 4 },
      ]) {
        await expect(origin.open(source, options)).rejects.toMatchObject({ code: 'RANGE_INVALID' })
      }
      await isHeld(0)
    })

    it('reads empty content', async () => {
      const source = await fixture.put('empty', Buffer.alloc(0))
      const opened = await origin.open(source)
      expect(opened.sizeBytes).toBe(0)
      expect(await readAll(opened.body)).toHaveLength(0)
      await expect(origin.open(source, { start: 1 })).rejects.toMatchObject({ code: 'RANGE_INVALID' })
      expect(await origin.check(source)).toMatchObject({ sizeBytes: 0 })
    })

    it('says that content is not there', async () => {
      await expect(origin.open(fixture.missing)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
      await expect(origin.open(fixture.missing, { start: 5 })).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
      await expect(origin.check(fixture.missing)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    })

    it('says that content may not be read', async () => {
      const code = expect.stringMatching(/^(DENIED|UNAUTHORIZED)$/)
      await fixture.withForbidden(async (origin, source) => {
        await expect(origin.open(source)).rejects.toMatchObject({ code })
        await expect(origin.check(source)).rejects.toMatchObject({ code })
      })
    })

    it('refuses a URL that it cannot read', async () => {
      for (const url of ['', 'relative/path', 'gopher://example/x']) {
        await expect(origin.open({ url, headers: {} })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
        await expect(origin.check({ url, headers: {} })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
      }
    })

    it('tells size and validator without reading the content', async () => {
      const source = await fixture.put('large', LARGE)
      const before = await fixture.takenBytes()
      const info = await origin.check(source)
      await isHeld(0)
      expect((await fixture.takenBytes()) - before).toBeLessThan(LARGE.length / 2)
      const opened = await origin.open(source, { start: LARGE.length - 3 })
      expect(info).toEqual({ sizeBytes: LARGE.length, validator: opened.validator })
      expect(await readAll(opened.body)).toEqual(LARGE.subarray(-3))
    })

    it('gives the same validator as long as the content is the same, and takes it', async () => {
      const source = await fixture.put('same', CONTENT)
      const { validator } = await origin.check(source)
      for (const start of [0, 10]) {
        const opened = await origin.open(source, { start, validator: validator ?? 'none' })
        expect(opened.validator).toBe(validator)
        expect(await readAll(opened.body)).toEqual(CONTENT.subarray(start))
      }
    })

    it('never goes on with other content than before', async () => {
      const source = await fixture.put('changing', CONTENT)
      const { validator = 'none' } = await origin.check(source)
      await fixture.put('changing', CHANGED)
      for (const options of [{ start: 10 }, { start: 10, end: 20 }, {}]) {
        await expect(origin.open(source, { ...options, validator })).rejects.toMatchObject({ code: 'ORIGIN_FAILED' })
      }
      const now = await origin.open(source, { start: 10 })
      expect(now.validator).not.toBe(validator)
      expect(await readAll(now.body)).toEqual(CHANGED.subarray(10))
    })

    it('frees what it holds when it is closed in the middle, more than once', async () => {
      const opened = await origin.open(await fixture.put('large', LARGE))
      const reader = opened.body[Symbol.asyncIterator]()
      await reader.next()
      await isHeld(1)
      opened.close()
      opened.close()
      await isHeld(0)
      await expect(drained(reader)).rejects.toMatchObject({ name: 'AbortError' })
    })

    it('frees what it holds when it is closed before it is read, or left by its reader', async () => {
      const source = await fixture.put('large', LARGE)
      const unread = await origin.open(source)
      await isHeld(1)
      unread.close()
      await isHeld(0)
      const left = await origin.open(source)
      for await (const chunk of left.body) if (chunk.length > 0) break
      await isHeld(0)
    })

    it("ends with the signal's reason, before and while it reads", async () => {
      const source = await fixture.put('large', LARGE)
      const reason = new Error('the reader left')
      const aborted = AbortSignal.abort(reason)
      await expect(origin.open(source, { signal: aborted })).rejects.toBe(reason)
      await expect(origin.check(source, { signal: aborted })).rejects.toBe(reason)

      const abort = new AbortController()
      const opened = await origin.open(source, { start: 1, signal: abort.signal })
      const reader = opened.body[Symbol.asyncIterator]()
      await reader.next()
      abort.abort(reason)
      await expect(drained(reader)).rejects.toBe(reason)
      await isHeld(0)
    })

    it('is left by the signal also when nobody reads', async () => {
      const abort = new AbortController()
      const opened = await origin.open(await fixture.put('large', LARGE), { signal: abort.signal })
      await isHeld(1)
      const reason = new Error('the reader left')
      abort.abort(reason)
      await isHeld(0)
      await expect(readAll(opened.body)).rejects.toBe(reason)
    })

    it('takes no more than its reader does', async () => {
      const source = await fixture.put('large', LARGE)
      const before = await fixture.takenBytes()
      const opened = await origin.open(source)
      const reader = opened.body[Symbol.asyncIterator]()
      await reader.next()
      const taken = (await settled(() => fixture.takenBytes())) - before
      expect(taken).toBeLessThan(LARGE.length / 2)
      expect(await restLength(reader, opened)).toBeGreaterThan(LARGE.length / 2)
    })
  })
}

async function drained(reader: AsyncIterator<Uint8Array>): Promise<void> {
  while (!(await reader.next()).done);
}

async function restLength(reader: AsyncIterator<Uint8Array>, opened: OriginContent): Promise<number> {
  let length = 0
  for (let next = await reader.next(); !next.done; next = await reader.next()) length += next.value.length
  opened.close()
  return length
}

/** Less than that is no content, but what the looks themselves take. */
const NOISE_BYTES = 16_384

/** The value that a measure about keeps for some looks. */
async function settled(measure: () => Promise<number>): Promise<number> {
  let last = await measure()
  let times = 0
  await waitFor(
    async () => {
      const value = await measure()
      times = value - last < NOISE_BYTES ? times + 1 : 0
      last = value
      return times >= 5
    },
    { ...TIMEOUT, what: 'the origin to stop taking' },
  )
  return last
}
