import { constants, type WriteStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { SchedulerEvent } from '../scheduler/event.ts'

/** A line of the event log: what the scheduler was told, and when, in milliseconds since the supernode started. */
export interface LoggedEvent {
  readonly atMs: number
  readonly event: JsonEvent
}

/** A scheduler's event without what JSON cannot hold: the inventory of a join becomes the number of blocks. */
export type JsonEvent =
  | Exclude<SchedulerEvent, { readonly type: 'join' | 'tick' }>
  | (Omit<Extract<SchedulerEvent, { readonly type: 'join' }>, 'have'> & { readonly have: number })

/** Records what the scheduler is told, so that a real swarm can be looked at afterwards and simulated again. */
export interface EventLog {
  start(): Promise<void>
  stop(): Promise<void>
  record(event: SchedulerEvent): void
}

/** Lines that may wait for a slow disk; more are left out, since a log must not cost a swarm. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** A log that keeps nothing. */
export const NO_EVENT_LOG: EventLog = { async start() {}, async stop() {}, record() {} }

/**
 * A log in a file of its own, one JSON object a line; an older file is overwritten. Starting throws DamselflyError CONFIG_INVALID when
 * the file cannot be opened, or a symbolic link is in its place, which could lead to a file that somebody needs.
 */
export function createEventLog(components: { readonly clock: Clock; readonly logger: Logger }, file: string): EventLog {
  const { clock, logger } = components
  let out: WriteStream | undefined
  let startedAt = 0
  let leftOut = 0
  return {
    async start() {
      if (out !== undefined) return
      startedAt = clock.now()
      const stream = (await openLog(file)).createWriteStream()
      stream.on('error', error => logger.warn({ err: error, file }, 'event log not written'))
      out = stream
    },
    async stop() {
      const stream = out
      out = undefined
      if (stream !== undefined) await new Promise<void>(resolve => stream.once('close', () => resolve()).end())
      if (leftOut > 0) logger.warn({ leftOut, file }, 'events were left out of the log: the disk was too slow')
    },
    record(event) {
      if (out === undefined || event.type === 'tick') return
      if (out.writableLength > MAX_WAITING_BYTES) {
        leftOut++
        return
      }
      const logged: LoggedEvent = { atMs: Math.round((clock.now() - startedAt) * 100) / 100, event: jsonOf(event) }
      out.write(`${JSON.stringify(logged)}\n`)
    },
  }
}

function jsonOf(event: Exclude<SchedulerEvent, { readonly type: 'tick' }>): JsonEvent {
  return event.type === 'join' ? { ...event, have: event.have.count } : event
}

async function openLog(file: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
  try {
    return await open(file, flags, 0o600)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ELOOP' ? 'is a symbolic link; name the file itself' : `cannot be opened: ${message}`
    throw new DamselflyError('CONFIG_INVALID', `eventLog: ${file} ${why}`, { cause: error })
  }
}
