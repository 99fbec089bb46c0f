import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { asked, dashboards, declared, expressions, served } from '../../support/observability.ts'

const prometheusDir = fileURLToPath(new URL('../../../infra/prometheus', import.meta.url))
const hasPromtool = spawnSync('promtool', ['--version']).status === 0
const withPromtool = hasPromtool ? test : test.skip

if (!hasPromtool) process.stderr.write('There is no promtool (Debian: apt-get install prometheus), so the alert rules are not run.\n')

describe('dashboards and alerts', () => {
  test('ask only for what the code measures', () => {
    const names = declared()
    for (const { at, expr } of expressions()) for (const name of asked(expr).series.keys()) if (name.startsWith('souk_')) expect([at, name, names.has(name)]).toEqual([at, name, true])
  })

  test('dashboards have names of their own and the data source that is provisioned', () => {
    const all = dashboards()
    expect(all.length).toBeGreaterThan(0)
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length)
    for (const { panels } of all) for (const panel of panels) expect(panel.datasource.uid).toBe('souk-prometheus')
  })

  test('the check itself reads expressions and answers as Prometheus does', () => {
    expect(asked('sum by (le, group) (rate(souk_a_bucket{x="1", y=~"2"}[1m])) / up{job="souk"}')).toEqual({ series: new Map([['souk_a_bucket', ['x', 'y']], ['up', ['job']]]), groups: ['le', 'group'] })
    expect(served('# TYPE a counter\na{x="1",y="}"} 3\nb 1e-9\n').get('a')).toEqual(new Set(['instance', 'job', 'le', 'x', 'y']))
  })

  withPromtool('promtool takes the rules and the configuration, and the rules say what they should', () => {
    for (const args of [['check', 'rules', 'alerts.yml'], ['check', 'config', 'prometheus.yml'], ['test', 'rules', 'alerts.test.yml']]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: prometheusDir, encoding: 'utf8' })
      expect([args.join(' '), status, status === 0 ? '' : stdout + stderr]).toEqual([args.join(' '), 0, ''])
    }
  })
})
