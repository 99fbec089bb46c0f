import { monitorEventLoopDelay, PerformanceObserver, constants } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { gauge, histogram } from './registry.ts'

const KINDS = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb']
])

/** Event-loop delays older than this are forgotten. */
const WINDOW_MS = 10_000
const RESOLUTION_MS = 10

/** What the thread itself costs: its event loop's delay, garbage collection, heap and handles. Call it once per thread. */
export function measureThread(): void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1_000)
  let shown = { '0.5': 0, '0.99': 0, '1': 0 }
  setInterval(() => {
    shown = { '0.5': late(delay.percentile(50)), '0.99': late(delay.percentile(99)), '1': late(delay.max) }
    delay.reset()
  }, WINDOW_MS).unref()
  const delays = gauge('souk_event_loop_delay_seconds', 'How late timers of the thread fire: quantiles of the last 10 s.')
  for (const quantile of ['0.5', '0.99', '1'] as const) delays.read({ quantile }, () => shown[quantile])

  const pauses = histogram('souk_gc_seconds', 'Pauses of garbage collection.', [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5])
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { detail: { kind: number } }).detail
      pauses.with({ kind: KINDS.get(kind) ?? 'other' }).observe(entry.duration / 1_000)
    }
  }).observe({ entryTypes: ['gc'] })

  const heap = gauge('souk_heap_bytes', 'Heap of the thread.')
  heap.read({ state: 'used' }, () => getHeapStatistics().used_heap_size)
  heap.read({ state: 'total' }, () => getHeapStatistics().total_heap_size)
  heap.read({ state: 'limit' }, () => getHeapStatistics().heap_size_limit)

  const resources = gauge('souk_active_resources', 'What keeps the event loop of the thread alive: sockets, ports, timers, requests under way.')
  resources.read({}, () => process.getActiveResourcesInfo().length)
}
