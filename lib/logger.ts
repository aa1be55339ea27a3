import { type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino'
import { describeError } from './describe-error.ts'
import type { LogLevel } from './log-levels.ts'

/** What every part logs through: a constant message and fields, `log.info({ taskId }, 'task complete')`. */
export type Logger = Pick<PinoLogger, 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'> & {
  child(bindings: Record<string, unknown>): Logger
}

/** A JSON logger on stderr, so that a command's standard output stays its own. */
export function createLogger(name: string, level: LogLevel): Logger {
  const options = {
    name,
    level,
    base: { name },
    timestamp: stdTimeFunctions.isoTime,
    redact: REDACTED,
    serializers: { err: errorField, error: errorField },
  }
  return pino(options, pino.destination({ dest: 2, sync: true }))
}

/** A logger that says nothing, for tests and library use. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' })
}

/** Pino would write all properties of an error. */
function errorField(value: unknown): unknown {
  return value instanceof Error ? describeError(value) : value
}

const SECRET_FIELDS = ['authorization', 'cookie', 'credentials', 'identityToken', 'password', 'ticket', 'token']
const REDACTED = SECRET_FIELDS.flatMap(field => [field, `*.${field}`, `*.*.${field}`])
