import type { Labels, MetricSnapshot, Series } from './registry.ts'

/** What one thread measured, with the labels that tell it apart. */
export interface LabelledMetrics {
  labels: Labels
  metrics: readonly MetricSnapshot[]
}

const escape = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const labelText = (labels: Labels): string => {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return parts.length > 0 ? `{${parts.join(',')}}` : ''
}

function lines(metric: MetricSnapshot, series: Series, common: Labels): string[] {
  const labels = { ...common, ...series.labels }
  if (!series.counts) return [`${metric.name}${labelText(labels)} ${series.value}`]
  let count = 0
  const buckets = series.counts.map((n, i) => {
    count += n
    return `${metric.name}_bucket${labelText({ ...labels, le: String(metric.bounds?.[i] ?? '+Inf') })} ${count}`
  })
  return [...buckets, `${metric.name}_sum${labelText(labels)} ${series.sum}`, `${metric.name}_count${labelText(labels)} ${count}`]
}

/** Everything in Prometheus' text format, version 0.0.4: each metric once, with the series of all threads. */
export function toPrometheus(all: readonly LabelledMetrics[]): string {
  const families = new Map<string, { head: MetricSnapshot; lines: string[] }>()
  for (const { labels, metrics } of all) {
    for (const metric of metrics) {
      let family = families.get(metric.name)
      if (!family) families.set(metric.name, (family = { head: metric, lines: [] }))
      for (const series of metric.series) family.lines.push(...lines(metric, series, labels))
    }
  }
  return [...families.values()]
    .filter(({ lines: body }) => body.length > 0)
    .map(({ head, lines: body }) => `# HELP ${head.name} ${head.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${head.name} ${head.type}\n${body.join('\n')}\n`)
    .join('')
}
