import { basename } from 'node:path'
import { DamselflyError } from '../../protocol/errors.ts'
import { AUDIT_FILES, auditPath, openForReading } from './audit-files.ts'

/** A line of an audit log, as it is in its file. */
export interface AuditLine {
  /** Name of the file. */
  readonly file: string
  /** Counts from 1. */
  readonly number: number
  readonly text: string
}

/**
 * All lines of an audit log, from the oldest file to the newest. What is not at its end yet is left out: it is being written.
 * @throws DamselflyError INPUT_FAILED when there is no log, or it may not be read
 */
export async function* readAudit(dataDir: string): AsyncGenerator<AuditLine> {
  let files = 0
  for (let age = AUDIT_FILES - 1; age >= 0; age--) {
    const file = await openForReading(dataDir, age).catch((error: Error) => {
      throw new DamselflyError('INPUT_FAILED', `the audit log: ${error.message}`, { cause: error })
    })
    if (file === undefined) continue
    files++
    try {
      let number = 0
      let rest = ''
      for await (const chunk of file.createReadStream({ encoding: 'utf8', autoClose: false })) {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const text of lines) yield { file: basename(auditPath(dataDir, age)), number: ++number, text }
      }
    } finally {
      await file.close()
    }
  }
  if (files === 0)
    throw new DamselflyError('INPUT_FAILED', `there is no audit log in ${dataDir}; --data-dir names another`)
}
