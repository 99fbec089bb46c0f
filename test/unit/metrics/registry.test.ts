import { expect, test } from '@jest/globals'
import { SIZE_BUCKETS, collect, counter, gauge, histogram } from '../../../mixins/metrics/registry.ts'

const seriesOf = (name: string) => collect().find((m) => m.name === name)?.series

test('a counter counts per set of labels, whatever their order', () => {
  const hits = counter('souk_test_hits_total', 'Hits.')
  hits.with({ a: '1', b: '2' }).add()
  hits.with({ b: '2', a: '1' }).add(4)
  hits.with().add()
  expect(seriesOf('souk_test_hits_total')).toEqual([
    { labels: { a: '1', b: '2' }, value: 5 },
    { labels: {}, value: 1 }
  ])
})

test('the same name is the same instrument, and another type is refused', () => {
  counter('souk_test_shared_total', 'Shared.').with().add()
  counter('souk_test_shared_total', 'Shared.').with().add()
  expect(seriesOf('souk_test_shared_total')).toEqual([{ labels: {}, value: 2 }])
  expect(() => gauge('souk_test_shared_total', 'Shared.')).toThrow('is a counter, not a gauge')
})

test('a gauge is set, or read at collection until its reader ends', () => {
  const waiting = gauge('souk_test_waiting', 'Waiting.')
  waiting.with({ queue: 'set' }).set(3)
  const first = waiting.read({ queue: 'read' }, () => 4)
  const second = waiting.read({ queue: 'read' }, () => 6)
  expect(seriesOf('souk_test_waiting')).toEqual([{ labels: { queue: 'set' }, value: 3 }, { labels: { queue: 'read' }, value: 10 }])
  first()
  second()
  expect(seriesOf('souk_test_waiting')).toEqual([{ labels: { queue: 'set' }, value: 3 }])
})

test('a histogram counts into the first bucket whose bound is not below the value', () => {
  const sizes = histogram('souk_test_batch_size', 'Sizes.', SIZE_BUCKETS).with()
  for (const size of [1, 2, 3, 512, 513]) sizes.observe(size)
  expect(seriesOf('souk_test_batch_size')).toEqual([{ labels: {}, counts: [1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1], sum: 1031 }])
})

test('labels that grow without bound end in one overflow series', () => {
  const ids = counter('souk_test_ids_total', 'Ids.')
  for (let i = 0; i < 1_100; i++) ids.with({ id: String(i) }).add()
  const series = seriesOf('souk_test_ids_total')!
  expect(series).toHaveLength(1_001)
  expect(series.find((s) => s.labels['overflow'])).toEqual({ labels: { overflow: 'true' }, value: 100 })
})
