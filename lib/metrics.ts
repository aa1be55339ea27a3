import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** One row of a metric table. The tables are plain data, so that `docs/metrics.md` is generated from them. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** `damselfly_<part>_<what>_<unit>`, a counter `…_total` or `…_<unit>_total`. */
  readonly name: string
  /** What it counts, in a sentence. */
  readonly help: string
  /** Label names. Their values must come from a small fixed set: no digests, URLs or addresses. */
  readonly labels: readonly string[]
  /** Upper edges of a histogram's buckets, in the unit of the metric. */
  readonly buckets?: readonly number[]
}

/** The metrics of one part, by the name under which the code uses them. */
export type MetricDefinitions = Readonly<Record<string, MetricDefinition>>

/** Label values go first, and only where the metric has labels. */
type Labelled<Label extends string, Value extends unknown[]> = [Label] extends [never]
  ? Value
  : [labels: Readonly<Record<Label, string>>, ...Value]

/** Only ever goes up. */
export interface CounterMetric<Label extends string = never> {
  /** Adds `amount`, 1 if not given. */
  inc(...args: Labelled<Label, [amount?: number]>): void
}

/** Goes up and down. */
export interface GaugeMetric<Label extends string = never> extends CounterMetric<Label> {
  /** Takes `amount` off, 1 if not given. */
  dec(...args: Labelled<Label, [amount?: number]>): void
  set(...args: Labelled<Label, [value: number]>): void
}

/** Counts observations by their size. */
export interface HistogramMetric<Label extends string = never> {
  observe(...args: Labelled<Label, [value: number]>): void
}

type LabelOf<Definition extends MetricDefinition> = Definition['labels'][number]

type MetricOf<Definition extends MetricDefinition> = Definition['type'] extends 'counter'
  ? CounterMetric<LabelOf<Definition>>
  : Definition['type'] extends 'gauge'
    ? GaugeMetric<LabelOf<Definition>>
    : HistogramMetric<LabelOf<Definition>>

/** The metrics of a table, ready to be counted on. */
export type MetricsOf<Definitions extends MetricDefinitions> = {
  readonly [Name in keyof Definitions]: MetricOf<Definitions[Name]>
}

/** What the `/metrics` route needs. */
export interface MetricsPage {
  /** The `Content-Type` of the text. */
  readonly contentType: string
  /** All metrics in the text form that Prometheus reads. */
  text(): Promise<string>
}

/** The metrics of a table and the page that shows them. */
export type Metrics<Definitions extends MetricDefinitions> = MetricsOf<Definitions> & MetricsPage

/** Units in which a metric may end. Times are in seconds. What is counted at a moment is its own unit. */
export const METRIC_UNITS = [
  'bytes',
  'seconds',
  'ratio',
  'info',
  'blocks',
  'connections',
  'nodes',
  'peers',
  'requests',
  'streams',
  'tasks',
] as const

const NAME = /^damselfly(_[a-z0-9]+){3,}$/
const LABEL = /^[a-z][a-z_]*$/

/**
 * Declares a table of metrics.
 * @throws Error when a name does not follow `damselfly_<part>_<what>_<unit|total>`, which is a mistake in the table
 */
export function defineMetrics<const Definitions extends MetricDefinitions>(definitions: Definitions): Definitions {
  for (const [key, definition] of Object.entries<MetricDefinition>(definitions)) {
    const problem = key === 'text' || key === 'contentType' ? 'is the name of a page property' : problemOf(definition)
    if (problem !== undefined) throw new Error(`metric ${key} (${definition.name}) ${problem}`)
  }
  return definitions
}

/** How a set of metrics is made. */
export interface MetricsInit {
  /**
   * Whether the page also shows processor time, memory, event loop lag and garbage collection of the process. For
   * programs: the observers behind it last as long as the process.
   */
  readonly processMetrics?: boolean
}

/**
 * Makes the metrics of a table, on a registry of their own. A program that is put together from several parts spreads
 * their tables into one: `createMetrics({ ...DFDAEMON_METRICS, ...PEER_METRICS })` fits wherever either is wanted.
 */
export function createMetrics<const Definitions extends MetricDefinitions>(
  definitions: Definitions,
  init: MetricsInit = {},
): Metrics<Definitions> {
  const registry = new Registry()
  if (init.processMetrics === true) collectDefaultMetrics({ register: registry })
  const made = Object.entries(definitions).map(([key, definition]) => [key, createMetric(definition, registry)])
  return {
    ...(Object.fromEntries(made) as MetricsOf<Definitions>),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  }
}

function createMetric(definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram {
  const { type, name, help, labels, buckets } = definition
  const options = { name, help, labelNames: labels, registers: [registry] }
  if (type === 'counter') return new Counter(options)
  if (type === 'gauge') return new Gauge(options)
  return new Histogram(buckets === undefined ? options : { ...options, buckets: [...buckets] })
}

function problemOf({ type, name, labels, buckets }: MetricDefinition): string | undefined {
  const unit = name.slice(name.lastIndexOf('_') + 1)
  if (!NAME.test(name)) return 'is not of the form damselfly_<part>_<what>_<unit|total>'
  if (type === 'counter' && unit !== 'total') return 'is a counter and must end in _total'
  if (type !== 'counter' && !METRIC_UNITS.some(known => known === unit)) {
    return `must end in one of the units ${METRIC_UNITS.join(', ')}`
  }
  if (!labels.every(label => LABEL.test(label) && label !== 'le')) return 'has a label that Prometheus does not accept'
  if (type === 'histogram' && buckets === undefined) return 'is a histogram and needs buckets'
  return undefined
}
