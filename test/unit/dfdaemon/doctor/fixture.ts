import { expect } from 'vitest'
import { DfdaemonConfig } from '../../../../dfdaemon/config.ts'
import { createDoctorCommand } from '../../../../dfdaemon/node/doctor/doctor-command.ts'
import type { Finding } from '../../../../dfdaemon/node/doctor/finding.ts'
import { createConfigCommand } from '../../../../lib/config/config-command.ts'

/** What `dfdaemon doctor` says. */
export interface Diagnosis {
  readonly exitCode: number
  readonly findings: readonly Finding[]
  find(check: string): Finding | undefined
  /** What a check says, with its status in front. */
  said(check: string): string | undefined
  mendOf(check: string): string | undefined
}

/** Runs `dfdaemon doctor --json` in this process. */
export async function runDoctor(...args: string[]): Promise<Diagnosis> {
  let printed = ''
  let exitCode = -1
  const write = (text: string) => {
    printed += text
  }
  const exit = (code: number) => {
    exitCode = code
  }
  const subcommand = createDoctorCommand({ stdout: { write }, environment: {}, exit })
  const command = createConfigCommand('dfdaemon', 'A test.', DfdaemonConfig).addCommand(subcommand)
  await command.parseAsync(['node', 'dfdaemon', 'doctor', '--json', ...args])
  return readDiagnosis(printed, exitCode)
}

/** Reads what a doctor has printed, and checks that it ended as it printed. */
export function readDiagnosis(printed: string, exitCode: number): Diagnosis {
  const { ok, findings } = JSON.parse(printed) as { ok: boolean; findings: Finding[] }
  expect(exitCode).toBe(ok ? 0 : 1)
  const find = (check: string) => findings.find(finding => finding.check === check)
  return {
    exitCode,
    findings,
    find,
    said(check) {
      const finding = find(check)
      return finding && `${finding.status}: ${finding.what}`
    },
    mendOf: check => find(check)?.mend,
  }
}
