import { globSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** A PromQL expression, and where it stands. */
export interface Expression {
  at: string
  expr: string
}

interface Dashboard {
  title: string
  uid: string
  panels: { title: string; datasource: { uid: string }; targets: { expr: string }[] }[]
}

export const dashboards = (): Dashboard[] => globSync('infra/grafana/dashboards/*.json', { cwd: root }).map((path) => JSON.parse(read(path)) as Dashboard)

/** Every expression of the dashboards and of the alerts. What Grafana fills in is filled in. */
export function expressions(): Expression[] {
  const panels = dashboards().flatMap(({ title, panels: all }) => all.flatMap((panel) => panel.targets.map(({ expr }) => ({ at: `${title} / ${panel.title}`, expr }))))
  const { groups } = parse(read('infra/prometheus/alerts.yml')) as { groups: { rules: { alert: string; expr: string }[] }[] }
  const alerts = groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ at: `alert ${alert}`, expr })))
  return [...panels, ...alerts].map(({ at, expr }) => ({ at, expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*') }))
}

/** Labels that Prometheus gives to what it reads. */
const FROM_PROMETHEUS = ['instance', 'job', 'le']

/** The labels of every series in an answer of /metrics. */
export function served(metrics: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const [, name, labels = ''] of metrics.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const names = found.get(name!) ?? new Set(FROM_PROMETHEUS)
    for (const [, label] of labels.matchAll(/(\w+)="/g)) names.add(label!)
    found.set(name!, names)
  }
  return found
}

/** Instruments of the code with labels that some code gives them, for those that have no series until something has happened. */
export function declared(): Set<string> {
  const sources = globSync('{mixins,services,nodes}/**/*.ts', { cwd: root }).map(read).join('\n')
  const names = [...sources.matchAll(/\b(counter|gauge|histogram)\(\s*'(\w+)'/g)]
  return new Set(names.flatMap(([, kind, name]) => (kind === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name! + part) : [name!])))
}

/** Names and labels that an expression asks for: series with the labels of their selectors, and labels that it groups by. */
export function asked(expr: string): { series: Map<string, string[]>; groups: string[] } {
  const series = new Map<string, string[]>()
  for (const [, name, selector = ''] of expr.matchAll(/\b(souk_\w+|process_\w+|up)\b(?:\{([^}]*)\})?/g)) series.set(name!, [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!))
  const groups = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(',').map((label) => label.trim()).filter(Boolean))
  return { series, groups }
}
