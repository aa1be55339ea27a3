import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Logger } from '../../lib/logger.ts'

/** A logger at the lowest level whose output is kept. */
export interface LogCapture {
  readonly logger: Logger
  /** All lines so far. */
  text(): string
}

/** A logger without redaction, so that a secret that is logged at all is seen. */
export function captureLog(): LogCapture {
  const chunks: Buffer[] = []
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { logger: pino({ level: 'trace' }, destination), text: () => Buffer.concat(chunks).toString() }
}
