import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { Finding } from '../../../../dfdaemon/node/doctor/finding.ts'
import { hasFailed, reportLine, reportText } from '../../../../dfdaemon/node/doctor/report.ts'

const findings: readonly Finding[] = [
  { check: 'clock', status: 'ok', what: 'in step with the supernode' },
  {
    check: 'dfdaemon',
    status: 'fail',
    what: 'not running: nothing answers at the mirror',
    mend: 'dfdaemon --config /etc/a-long-name.yaml',
  },
  { check: 'supernode', status: 'warn', what: 'none' },
]
const plain = { colour: false, columns: Number.POSITIVE_INFINITY }

test('findings stand in columns, with the command under the finding', () => {
  expect(reportText(findings, plain)).toBe(
    [
      'ok    clock      in step with the supernode',
      'fail  dfdaemon   not running: nothing answers at the mirror',
      '                 > dfdaemon --config /etc/a-long-name.yaml',
      'warn  supernode  none',
      '',
      '1 failed, 1 warning, 1 ok.',
      '',
    ].join('\n'),
  )
})

test('texts are wrapped to the terminal, commands are not', () => {
  expect(reportText(findings.slice(1, 2), { colour: false, columns: 40 })).toBe(
    [
      'fail  dfdaemon  not running: nothing',
      '                answers at the mirror',
      '                > dfdaemon --config /etc/a-long-name.yaml',
      '',
      '1 failed, 0 warnings, 0 ok.',
      '',
    ].join('\n'),
  )
})

test('colour moves nothing', () => {
  const coloured = reportText(findings, { ...plain, colour: true })
  expect(coloured).toContain('\u001b[31m')
  expect(stripVTControlCharacters(coloured)).toBe(reportText(findings, plain))
})

test('nothing of a finding is obeyed by the terminal', () => {
  const text = reportText([{ check: 'supernode', status: 'ok', what: '\u001b[2Jcleared' }], plain)
  expect(text).not.toContain('\u001b')
})

test('all well is said in one sentence', () => {
  expect(reportText(findings.slice(0, 1), plain)).toContain('\n\nAll is well.\n')
})

test('the line for programs has everything', () => {
  expect(JSON.parse(reportLine(findings))).toEqual({ ok: false, findings })
  expect(reportLine(findings)).toMatch(/^[^\n]+\n$/)
  expect(hasFailed(findings.filter(({ status }) => status !== 'fail'))).toBe(false)
})
