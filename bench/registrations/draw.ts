import { tableLines } from '../../lib/terminal/table.ts'
import { machineLine } from '../measure/machine-line.ts'
import type { registrationsJson } from './figures.ts'

/** The figures for people. */
export function drawRegistrations(json: ReturnType<typeof registrationsJson>): string {
  const row = (name: string, { count, p50Ms, p99Ms, p999Ms, maxMs }: typeof json.valid) => [
    name,
    `${count}`,
    ...[p50Ms, p99Ms, p999Ms, maxMs].map(ms => ms.toFixed(2)),
  ]
  const wrong = Object.entries(json.wrong).map(([what, count]) => `${count} × ${what}`)
  return `${[
    ...tableLines([
      ['ms from when it was due', 'answers', 'median', '99 %', '99.9 %', 'max'],
      row('valid', json.valid),
      row('invalid', json.invalid),
    ]),
    '',
    `${json.perSecond} registrations a second from ${json.identities} peers; wrong answers: ${wrong.length === 0 ? 'none' : wrong.join(', ')}.`,
    `The supernode took ${json.supernodeCpuShare} of a processor, the loader ${json.loaderCpuShare}; the loader was late by ${json.loaderLateP99Ms.toFixed(2)} ms (99 %).`,
    machineLine(json),
  ].join('\n')}\n`
}
