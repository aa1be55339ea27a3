import { describe, expect, expectTypeOf, test } from 'vitest'
import { createMetrics, defineMetrics, type MetricDefinition, type MetricsOf } from '../../../lib/metrics.ts'

const STORE_METRICS = defineMetrics({
  written: { type: 'counter', name: 'damselfly_store_written_bytes_total', help: 'Bytes written.', labels: [] },
  evictions: { type: 'counter', name: 'damselfly_store_evictions_total', help: 'Tasks removed.', labels: ['reason'] },
  held: { type: 'gauge', name: 'damselfly_store_held_bytes', help: 'Bytes held.', labels: [] },
  reads: {
    type: 'histogram',
    name: 'damselfly_store_read_duration_seconds',
    help: 'Time to read a block.',
    labels: ['from'],
    buckets: [0.001, 0.1],
  },
})

describe('createMetrics', () => {
  test('counts, without labels and with', async () => {
    const metrics = createMetrics(STORE_METRICS)
    metrics.written.inc(500)
    metrics.written.inc()
    metrics.evictions.inc({ reason: 'quota' }, 2)
    metrics.evictions.inc({ reason: 'quota' })
    const lines = linesOf(await metrics.text())
    expect(lines).toContain('damselfly_store_written_bytes_total 501')
    expect(lines).toContain('damselfly_store_evictions_total{reason="quota"} 3')
  })

  test('sets, raises and lowers gauges', async () => {
    const metrics = createMetrics(STORE_METRICS)
    metrics.held.set(10)
    metrics.held.inc(5)
    metrics.held.dec(3)
    expect(linesOf(await metrics.text())).toContain('damselfly_store_held_bytes 12')
  })

  test('sorts observations into the buckets of the table', async () => {
    const metrics = createMetrics(STORE_METRICS)
    metrics.reads.observe({ from: 'disk' }, 0.05)
    const lines = linesOf(await metrics.text())
    expect(lines).toContain('damselfly_store_read_duration_seconds_bucket{le="0.001",from="disk"} 0')
    expect(lines).toContain('damselfly_store_read_duration_seconds_bucket{le="0.1",from="disk"} 1')
    expect(lines).toContain('damselfly_store_read_duration_seconds_count{from="disk"} 1')
  })

  test('shows help and type, and a counter that has not counted yet', async () => {
    const metrics = createMetrics(STORE_METRICS)
    const lines = linesOf(await metrics.text())
    expect(lines).toContain('# HELP damselfly_store_written_bytes_total Bytes written.')
    expect(lines).toContain('# TYPE damselfly_store_written_bytes_total counter')
    expect(lines).toContain('damselfly_store_written_bytes_total 0')
    expect(metrics.contentType).toMatch(/^text\/plain/)
  })

  test('keeps two sets of the same table apart', async () => {
    const [one, other] = [createMetrics(STORE_METRICS), createMetrics(STORE_METRICS)]
    one.written.inc(7)
    expect(linesOf(await other.text())).toContain('damselfly_store_written_bytes_total 0')
  })

  test('shows the process only where it is asked to', async () => {
    const name = /^process_cpu_seconds_total /m
    expect(await createMetrics(STORE_METRICS).text()).not.toMatch(name)
    expect(await createMetrics(STORE_METRICS, { processMetrics: true }).text()).toMatch(name)
  })

  test('makes one page of several tables, which fits wherever one of them is wanted', async () => {
    const OTHER = defineMetrics({
      pulls: { type: 'counter', name: 'damselfly_node_pulls_total', help: 'Pulls.', labels: [] },
    })
    const metrics = createMetrics({ ...STORE_METRICS, ...OTHER })
    const part: MetricsOf<typeof OTHER> = metrics
    part.pulls.inc()
    expect(linesOf(await metrics.text())).toContain('damselfly_node_pulls_total 1')
  })

  test('wants exactly the labels of the table, and the calls of its type', () => {
    const metrics = createMetrics(STORE_METRICS)
    expectTypeOf(metrics.written.inc).parameters.toEqualTypeOf<[amount?: number]>()
    expectTypeOf(metrics.evictions.inc).parameter(0).toEqualTypeOf<Readonly<Record<'reason', string>>>()
    expectTypeOf(metrics.written).not.toHaveProperty('set')
    expectTypeOf(metrics.reads).not.toHaveProperty('inc')
  })
})

describe('defineMetrics', () => {
  const good: MetricDefinition = STORE_METRICS.held

  test.each<[string, Partial<MetricDefinition>, RegExp]>([
    ['another prefix', { name: 'store_held_bytes' }, /damselfly_<part>/],
    ['no part', { name: 'damselfly_held_bytes' }, /damselfly_<part>/],
    ['capital letters', { name: 'damselfly_store_Held_bytes' }, /damselfly_<part>/],
    ['a counter without total', { type: 'counter' }, /must end in _total/],
    ['a gauge with total', { name: 'damselfly_store_held_total' }, /must end in one of the units/],
    ['milliseconds', { name: 'damselfly_store_held_ms' }, /must end in one of the units/],
    ['the label that histograms use themselves', { labels: ['le'] }, /label/],
    ['a label in camel case', { labels: ['fromDisk'] }, /label/],
    ['a histogram without buckets', { type: 'histogram' }, /needs buckets/],
  ])('refuses %s', (_, change, message) => {
    expect(() => defineMetrics({ held: { ...good, ...change } })).toThrow(message)
  })

  test('refuses a metric that would hide the page', () => {
    expect(() => defineMetrics({ text: good })).toThrow(/page property/)
  })
})

function linesOf(text: string): string[] {
  return text.split('\n')
}
