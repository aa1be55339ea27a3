/** How a check ended: `warn` costs speed or may be meant so, `fail` keeps the node from taking part or pulls from working. */
export type Status = 'ok' | 'warn' | 'fail'

/** What one check found. */
export interface Finding {
  /** The check's name, which stays the same from version to version. */
  readonly check: string
  readonly status: Status
  /** What is so, in a sentence without a full stop. */
  readonly what: string
  /** The command that mends it, to be pasted into a shell; what an operator has to fill in is in capitals. */
  readonly mend?: string
}

export function ok(check: string, what: string, mend?: string): Finding {
  return finding(check, 'ok', what, mend)
}

export function warn(check: string, what: string, mend?: string): Finding {
  return finding(check, 'warn', what, mend)
}

export function fail(check: string, what: string, mend?: string): Finding {
  return finding(check, 'fail', what, mend)
}

function finding(check: string, status: Status, what: string, mend: string | undefined): Finding {
  return { check, status, what, ...(mend === undefined ? {} : { mend }) }
}
