import type { MetricDefinitions } from '../../lib/metrics.ts'
import { code, generatedFrom, markdownTable, page } from './markdown.ts'

/** A part and the metrics that it counts. */
export interface MeasuredPart {
  /** Where the metrics are shown, for the heading. */
  readonly part: string
  readonly metrics: MetricDefinitions
}

/** docs/metrics.md: one table of metrics for each part. */
export function metricsPage(parts: readonly MeasuredPart[]): string {
  return page(
    '# Metrics',
    generatedFrom('the metric tables'),
    'Each program shows its metrics at `/metrics` in the text form that Prometheus reads. Beside those below there are the ' +
      'usual `process_` and `nodejs_` metrics of a Node program. Label values come from small fixed sets.',
    ...parts.map(partSection),
  )
}

function partSection({ part, metrics }: MeasuredPart): string {
  const rows = Object.values(metrics).map(({ name, type, labels, help }) => [
    code(name),
    type,
    labels.map(code).join(', '),
    help,
  ])
  return `## ${part}\n\n${markdownTable(['Metric', 'Type', 'Labels', 'Meaning'], rows)}`
}
