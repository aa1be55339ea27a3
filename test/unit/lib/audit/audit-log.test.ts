import { appendFile, mkdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AuditLog } from '../../../../lib/audit/audit-log.ts'
import { type AuditEvent, parseAuditLine } from '../../../../lib/audit/audit-record.ts'
import { type AuditLine, readAudit } from '../../../../lib/audit/read-audit.ts'
import { verifyAudit } from '../../../../lib/audit/verify-audit.ts'
import { captureLog, type LogCapture } from '../../../helpers/log-capture.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const WHO = { kind: 'token', id: '0123456789ab', address: '10.0.0.7' }

let scratch: ScratchDirectory
let capture: LogCapture
let results: string[]

beforeEach(async () => {
  scratch = await createScratchDirectory()
  capture = captureLog()
  results = []
})

afterEach(() => scratch[Symbol.asyncDispose]())

function event(target: string): AuditEvent {
  return { who: WHO, action: 'DELETE /api/v1/tasks/:id', target, outcome: { status: 204 } }
}

/** A log that is open while the work is done. */
async function logged(work: (log: AuditLog) => Promise<unknown>, maxFileBytes = 1_000_000): Promise<void> {
  const metrics = { auditRecords: { inc: ({ result }: { result: string }) => void results.push(result) } }
  const log = new AuditLog(
    { clock: createManualClock(), logger: capture.logger, metrics },
    { program: 'program', dataDir: scratch.path, maxFileBytes },
  )
  await log.start()
  await work(log)
  await log.stop()
}

async function linesOf(): Promise<AuditLine[]> {
  const lines: AuditLine[] = []
  for await (const line of readAudit(scratch.path)) lines.push(line)
  return lines
}

const file = (age = 0) => join(scratch.path, age === 0 ? 'audit.log' : `audit.log.${age}`)
const verified = () => verifyAudit(readAudit(scratch.path))

test('records are lines of JSON that hang together, in a file for the owner alone', async () => {
  await logged(async log => {
    await log.record(event('first'))
    await log.record({ ...event('second'), outcome: { status: 403, code: 'DENIED' } })
  })
  const records = (await linesOf()).map(({ text }) => JSON.parse(text))
  expect(records).toMatchObject([
    { action: 'log opened', previous: '0'.repeat(64) },
    { time: '2026-01-01T00:00:00.000Z', program: 'program', who: WHO, target: 'first', outcome: { status: 204 } },
    { target: 'second', outcome: { status: 403, code: 'DENIED' } },
  ])
  expect((await stat(file())).mode & 0o777).toBe(0o600)
  expect(await verified()).toMatchObject({ lines: 3, fromStart: true, cutOff: 0, broken: undefined })
  expect(results).toEqual(['written', 'written', 'written'])
})

test('the chain goes on over restarts and from file to file, and the oldest file goes', async () => {
  for (let run = 0; run < 6; run++) {
    await logged(async log => {
      await Promise.all(Array.from({ length: 12 }, (_, index) => log.record(event(`${run}.${index}`))))
    }, 2_000)
  }
  const lines = await linesOf()
  expect([...new Set(lines.map(line => line.file))]).toEqual(
    [4, 3, 2, 1].map(age => `audit.log.${age}`).concat('audit.log'),
  )
  expect(await verified()).toMatchObject({ lines: lines.length, fromStart: false, broken: undefined })
  expect(parseAuditLine(lines.at(-1)?.text ?? '')?.target).toBe('5.11')
  for (const age of [0, 1, 2, 3, 4]) expect((await stat(file(age))).size).toBeLessThan(3_000)
})

test('a new file goes on with the chain when a crash came right after the old one was put away', async () => {
  await logged(log => log.record(event('before')))
  await rename(file(), file(1))
  await logged(log => log.record(event('after')))
  expect(await verified()).toMatchObject({ lines: 4, fromStart: true, broken: undefined })
})

test('a line that a crash cut off stays, and is told from one that was changed', async () => {
  await logged(log => log.record(event('whole')))
  await truncate(file(), (await stat(file())).size - 20)
  await logged(log => log.record(event('after')))
  expect(await verified()).toMatchObject({ lines: 4, cutOff: 1, broken: undefined })
})

describe('what is changed afterwards shows', () => {
  beforeEach(() => logged(log => Promise.all(['a', 'b', 'c', 'd'].map(target => log.record(event(target))))))

  const changed = async (change: (lines: string[]) => string[]) => {
    const lines = (await readFile(file(), 'utf8')).trimEnd().split('\n')
    await writeFile(file(), `${change(lines).join('\n')}\n`)
    return (await verified()).broken
  }

  test.each<[string, (lines: string[]) => string[], object]>([
    ['a record with another target', lines => lines.map(line => line.replace('"b"', '"x"')), { number: 4 }],
    ['a record less', lines => lines.toSpliced(2, 1), { number: 3, reason: 'does not follow the line before it' }],
    ['two records in another order', ([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest], { number: 2 }],
    ['a record twice', lines => lines.toSpliced(2, 0, lines[2] ?? ''), { number: 4 }],
    ['a line that is none', lines => lines.with(2, 'x'), { number: 3, reason: 'is no record' }],
    ['an empty line', lines => lines.toSpliced(2, 0, ''), { number: 3, reason: 'is no record' }],
    ['a line that is none at the end', lines => [...lines, 'x'], { number: 6, reason: 'is no record' }],
  ])('%s', async (_, change, broken) => {
    expect(await changed(change)).toMatchObject({ file: 'audit.log', ...broken })
  })

  test('any byte', async () => {
    const before = await readFile(file())
    const end = before.lastIndexOf(0x0a, -2)
    await fc.assert(
      fc.asyncProperty(fc.nat(end - 1), fc.integer({ min: 1, max: 127 }), async (at, mask) => {
        const after = Buffer.from(before)
        after[at] = (after[at] ?? 0) ^ mask
        await writeFile(file(), after)
        expect((await verified()).broken).toBeDefined()
      }),
    )
  })
})

test('texts of requests are cut, and what a terminal would obey stays text', async () => {
  await logged(log => log.record({ ...event('x'.repeat(100_000)), who: { ...WHO, id: '\n{}\u001b' } }))
  const [, line] = await linesOf()
  expect(line?.text.length).toBeLessThan(1_000)
  expect(JSON.parse(line?.text ?? '').who.id).toBe('\n{}\u001b')
})

test('where the disk takes nothing the program goes on, and that is said once, counted and made up for', async () => {
  await logged(async log => {
    await log.record(event('before'))
    await rm(file())
    await mkdir(file())
    await log.stop()
    await Promise.all(['x', 'y'].map(target => log.record(event(target))))
    await rm(file(), { recursive: true })
    await log.record(event('after'))
  })
  expect(results).toEqual(['written', 'written', 'failed', 'failed', 'written'])
  expect(capture.text().match(/audit log cannot be written/g)).toHaveLength(1)
  const targets = (await linesOf()).map(({ text }) => parseAuditLine(text)?.target)
  expect(targets).toEqual(['2 records', 'after'])
})

test('more records than can wait for the disk are counted, not kept', async () => {
  await logged(log => Promise.all(Array.from({ length: 1_200 }, () => log.record(event('x')))))
  expect(results.filter(result => result === 'failed').length).toBeGreaterThan(100)
  expect(await verified()).toMatchObject({ broken: undefined })
})

test('a link is not followed', async () => {
  await writeFile(join(scratch.path, 'target'), 'text\n')
  await symlink('target', file())
  await logged(log => log.record(event('x')))
  expect(await readFile(join(scratch.path, 'target'), 'utf8')).toBe('text\n')
  expect(results).toEqual(['failed', 'failed'])
})

test('a line that is being written is no break', async () => {
  await logged(log => log.record(event('x')))
  await appendFile(file(), '{"time":')
  expect(await verified()).toMatchObject({ lines: 2, broken: undefined })
})

test('where there is no log, that is said', async () => {
  await expect(linesOf()).rejects.toMatchObject({
    code: 'INPUT_FAILED',
    message: expect.stringContaining('--data-dir'),
  })
})

test('no line makes the reader throw', () => {
  fc.assert(fc.property(fc.string(), text => void parseAuditLine(text)))
  fc.assert(fc.property(fc.json(), text => void parseAuditLine(text)))
})
