import { expect, test } from '@jest/globals'
import { toPrometheus } from '../../../mixins/metrics/prometheus.ts'
import type { MetricSnapshot } from '../../../mixins/metrics/registry.ts'

const requests = (value: number): MetricSnapshot => ({ name: 'souk_requests_total', help: 'Requests.', type: 'counter', series: [{ labels: { path: '/a"b\\c\n' }, value }] })

test('a metric of several threads stands once, with all their series and escaped labels', () => {
  expect(toPrometheus([{ labels: { thread: 'web' }, metrics: [requests(1)] }, { labels: { thread: 'work' }, metrics: [requests(2)] }])).toBe(
    '# HELP souk_requests_total Requests.\n# TYPE souk_requests_total counter\n' +
      'souk_requests_total{thread="web",path="/a\\"b\\\\c\\n"} 1\nsouk_requests_total{thread="work",path="/a\\"b\\\\c\\n"} 2\n'
  )
})

test('a histogram has cumulative buckets up to +Inf, a sum and a count', () => {
  const metric: MetricSnapshot = { name: 'souk_s', help: 'Seconds.', type: 'histogram', bounds: [0.1, 1], series: [{ labels: {}, counts: [2, 0, 3], sum: 9.5 }] }
  expect(toPrometheus([{ labels: {}, metrics: [metric] }])).toBe(
    '# HELP souk_s Seconds.\n# TYPE souk_s histogram\nsouk_s_bucket{le="0.1"} 2\nsouk_s_bucket{le="1"} 2\nsouk_s_bucket{le="+Inf"} 5\nsouk_s_sum 9.5\nsouk_s_count 5\n'
  )
})
