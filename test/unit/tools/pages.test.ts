import { type TSchema, Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { configurationPage } from '../../../tools/docs/configuration-page.ts'
import { errorsPage } from '../../../tools/docs/errors-page.ts'
import { metricsPage } from '../../../tools/docs/metrics-page.ts'

describe('configurationPage', () => {
  test.each<[string, TSchema, string, string]>([
    ['text', Type.String({ default: '::1' }), 'string', '`::1`'],
    ['empty text', Type.String({ default: '' }), 'string', 'empty'],
    ['a number', Type.Integer({ default: 4001 }), 'integer', '`4001`'],
    ['a number with limits', Type.Integer({ default: 1, minimum: 1, maximum: 9 }), 'integer 1 to 9', '`1`'],
    ['a number with a lower limit', Type.Number({ default: 1, minimum: 0 }), 'number ≥ 0', '`1`'],
    ['a number above a limit', Type.Number({ default: 1, exclusiveMinimum: 0 }), 'number > 0', '`1`'],
    ['a number with an upper limit', Type.Number({ default: 1, maximum: 2 }), 'number ≤ 2', '`1`'],
    ['a switch', Type.Boolean({ default: false }), 'boolean', '`false`'],
    ['a list', Type.Array(Type.String(), { default: ['a', 'b'] }), 'list of string', '`["a","b"]`'],
    ['a choice', Type.Union([Type.Literal('x'), Type.Literal('y')], { default: 'x' }), '`x`, `y`', '`x`'],
    ['an enumeration', Type.Enum(['x', 'y'], { default: 'x' }), '`x`, `y`', '`x`'],
    ['a required setting', Type.String(), 'string', 'required'],
    ['an optional setting', Type.Optional(Type.String()), 'string', 'none'],
  ])('shows %s', (_, schema, type, value) => {
    expect(cellsOf(schema, 'setting').slice(3, 5)).toEqual([type, value])
  })

  test('shows a setting of a level below with its flag, variable and meaning', () => {
    const cells = cellsOf(Type.Object({ maxAgeMs: Type.Integer({ default: 5, description: 'How long.' }) }), 'http')
    expect(cells).toEqual([
      '`http.maxAgeMs`',
      '`--http-max-age-ms`',
      '`PROGRAM_HTTP_MAX_AGE_MS`',
      'integer',
      '`5`',
      'How long.',
    ])
  })

  test('shows a mapping as one for the file only', () => {
    const cells = cellsOf(Type.Record(Type.String(), Type.String(), { default: {} }), 'mirrors')
    expect(cells).toEqual(['`mirrors`', 'file only', 'file only', 'mapping', '`{}`', ''])
  })

  test('does not call a setting required when its level may be left out', () => {
    expect(cellsOf(Type.Optional(Type.Object({ key: Type.String() })), 'tls')[4]).toBe('none')
  })

  test.each([
    ['quotaBytes', 3 * 1024 ** 3, '`3221225472` (3 GiB)'],
    ['limitBytesPerSecond', 1536 * 1024, '`1572864` (1536 KiB)'],
    ['layerSize', 1024, '`1024` (1 KiB)'],
    ['quotaBytes', 1000, '`1000`'],
    ['quotaBytes', 0, '`0`'],
    ['count', 1024, '`1024`'],
  ])('shows the number of %s %d as %s', (key, value, expected) => {
    expect(cellsOf(Type.Integer({ default: value }), key)[4]).toBe(expected)
  })

  test('has a section for each program, in order', () => {
    const schema = Type.Object({ a: Type.String() })
    const text = configurationPage([
      { program: 'two', schema },
      { program: 'one', schema },
    ])
    expect(text.match(/^## .*$/gm)).toEqual(['## two', '## one'])
  })
})

test('errorsPage has a row for each error, in order', () => {
  const text = errorsPage({
    B: { status: 404, retryable: false, message: 'not there' },
    A: { status: 503, retryable: true, message: 'busy' },
  })
  expect(rowsOf(text)).toEqual([
    ['`B`', '404', 'no', 'not there'],
    ['`A`', '503', 'yes', 'busy'],
  ])
})

test('metricsPage has a section for each part and a row for each metric', () => {
  const name = 'damselfly_x_requests_total'
  const text = metricsPage([
    { part: 'x', metrics: { requests: { type: 'counter', name, help: 'Requests.', labels: ['route', 'status'] } } },
  ])
  expect(text).toContain('## x\n')
  expect(rowsOf(text)).toEqual([[`\`${name}\``, 'counter', '`route`, `status`', 'Requests.']])
})

/** The cells that the page shows for one setting of a program called `program`. */
function cellsOf(schema: TSchema, key: string): string[] {
  const [row = []] = rowsOf(configurationPage([{ program: 'program', schema: Type.Object({ [key]: schema }) }]))
  return row
}

/** The cells of every table row below a header. */
function rowsOf(text: string): string[][] {
  const lines = text.split('\n').filter(line => line.startsWith('| '))
  return lines.slice(2).map(line =>
    line
      .slice(2, -2)
      .split(' | ')
      .map(cell => cell.trim()),
  )
}
