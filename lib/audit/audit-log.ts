import type { FileHandle } from 'node:fs/promises'
import pLimit from 'p-limit'
import type { Clock } from '../clock.ts'
import type { Startable } from '../lifecycle.ts'
import type { Logger } from '../logger.ts'
import type { MetricsOf } from '../metrics.ts'
import { auditPath, lastLine, openForAppend, openForReading, rotate } from './audit-files.ts'
import { type AuditEvent, hashOfLine, NO_LINE } from './audit-record.ts'
import type { AUDIT_METRICS } from './metrics.ts'

export interface AuditLogComponents {
  readonly clock: Pick<Clock, 'wallTime' | 'now'>
  readonly logger: Logger
  readonly metrics: Pick<MetricsOf<typeof AUDIT_METRICS>, 'auditRecords'>
}

export interface AuditLogInit {
  readonly program: string
  readonly dataDir: string
  /** A file is followed by a new one when it has so many bytes. */
  readonly maxFileBytes?: number
}

const MAX_FILE_BYTES = 16 * 1024 * 1024
/** Longer texts of requests are cut. */
const MAX_TEXT = 256
const MAX_LINE_BYTES = 16 * 1024
/** Records that wait for the disk. */
const MAX_WAITING = 1_000
/** What the log says itself. */
const LOG_ITSELF = { kind: 'program', id: '', address: '' } as const

/**
 * A log of who did what in the data directory, one JSON object a line, each with the hash of the line before it. It grows to a bounded size:
 * the oldest of its files goes. Where the disk takes no more the program goes on, and that is counted and logged.
 */
export class AuditLog implements Startable {
  readonly #components: AuditLogComponents
  readonly #init: Required<AuditLogInit>
  readonly #oneByOne = pLimit(1)
  #file: FileHandle | undefined
  #sizeBytes = 0
  #previous = NO_LINE
  /** Records that are in no file since the last that is. */
  #lost = 0

  constructor(components: AuditLogComponents, init: AuditLogInit) {
    this.#components = components
    this.#init = { maxFileBytes: MAX_FILE_BYTES, ...init }
  }

  async start(): Promise<void> {
    await this.record({ who: LOG_ITSELF, action: 'log opened', target: '', outcome: { status: 0 } })
  }

  async stop(): Promise<void> {
    await this.#oneByOne(async () => {
      await this.#file?.close()
      this.#file = undefined
    })
  }

  /** Writes a record, in the order of the calls. Returns when it is written, or was given up; never throws. */
  async record(event: AuditEvent): Promise<void> {
    if (this.#oneByOne.pendingCount >= MAX_WAITING) {
      this.#lose(new Error('too many records wait for the disk'))
      return
    }
    const time = new Date(this.#components.clock.wallTime()).toISOString()
    await this.#oneByOne(async () => {
      try {
        await this.#write(time, event)
        this.#components.metrics.auditRecords.inc({ result: 'written' })
      } catch (error) {
        await this.#file?.close().catch(() => {})
        this.#file = undefined
        this.#lose(error)
      }
    })
  }

  async #write(time: string, event: AuditEvent): Promise<void> {
    this.#file ??= await this.#open()
    if (this.#sizeBytes >= this.#init.maxFileBytes) {
      await this.#file.close()
      this.#file = undefined
      await rotate(this.#init.dataDir)
      this.#file = await this.#open()
    }
    if (this.#lost > 0) {
      const target = `${this.#lost} records`
      await this.#append(time, { who: LOG_ITSELF, action: 'records lost', target, outcome: { status: 0 } })
      this.#lost = 0
    }
    await this.#append(time, event)
  }

  /** Goes on with the chain where the file ends, whoever wrote that. */
  async #open(): Promise<FileHandle> {
    const { dataDir } = this.#init
    const file = await openForAppend(dataDir)
    try {
      const { line, isEnded } = await lastLine(file, MAX_LINE_BYTES)
      // A line that a crash cut off stays as it is, and is hashed like any other.
      if (!isEnded) await file.write('\n')
      this.#sizeBytes = (await file.stat()).size
      this.#previous = this.#sizeBytes > 0 ? hashOfLine(line) : await hashOfOlderFile(dataDir)
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async #append(time: string, { who, action, target, outcome }: AuditEvent): Promise<void> {
    const record = {
      time,
      program: this.#init.program,
      who: { kind: who.kind, id: cut(who.id), address: cut(who.address) },
      action: cut(action),
      target: cut(target),
      outcome,
      previous: this.#previous,
    }
    const line = Buffer.from(JSON.stringify(record))
    const { bytesWritten } = (await this.#file?.write(Buffer.concat([line, Buffer.from('\n')]))) ?? { bytesWritten: 0 }
    if (bytesWritten !== line.length + 1) throw new Error('the disk took a part of a record only')
    this.#previous = hashOfLine(line)
    this.#sizeBytes += bytesWritten
  }

  #lose(error: unknown): void {
    const { logger, metrics } = this.#components
    metrics.auditRecords.inc({ result: 'failed' })
    // One line for an outage: those who fill disks shall not fill logs too.
    if (this.#lost === 0) logger.error({ path: auditPath(this.#init.dataDir), error }, 'audit log cannot be written')
    this.#lost++
  }
}

/** A new file goes on with the chain of the one before it. */
async function hashOfOlderFile(dataDir: string): Promise<string> {
  const file = await openForReading(dataDir, 1)
  if (file === undefined) return NO_LINE
  try {
    return hashOfLine((await lastLine(file, MAX_LINE_BYTES)).line)
  } finally {
    await file.close()
  }
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`
}
