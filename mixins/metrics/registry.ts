// What a thread measures about itself. Instruments live in the thread that made them; the supervisor collects a snapshot of
// each thread and serves them together with the labels `thread` and `node`. Names follow Prometheus: `souk_<what>_<unit>[_total]`.

export type Labels = Readonly<Record<string, string>>

/** Seconds; fine around a few milliseconds, where most calls are. */
export const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const
/** How many things went together: batches, mailboxes. */
export const SIZE_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const

/** Series of one instrument at most: labels must not hold ids. Later ones share one series labelled `overflow="true"`. */
const SERIES_MAX = 1_000

/** One series of a snapshot: `value` of a counter or gauge; `counts` (per bucket, the last one above all bounds) and `sum` of a histogram. */
export interface Series {
  labels: Labels
  value?: number
  counts?: number[]
  sum?: number
}

/** An instrument with its series, as it crosses threads by structured clone. */
export interface MetricSnapshot {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  bounds?: readonly number[]
  series: Series[]
}

export interface Counter {
  add(n?: number): void
}

export interface Gauge {
  set(value: number): void
  add(n: number): void
}

export interface Histogram {
  observe(value: number): void
}

/** An instrument: `with` gives the series of these labels. Take it once and keep it; using it costs nanoseconds. */
export interface Instrument<S> {
  with(labels?: Labels): S
}

export interface GaugeInstrument extends Instrument<Gauge> {
  /** A value read at each collection, such as a pool's size; several readers of the same labels add up. Returns the end of it: call it in `stopped`. */
  read(labels: Labels, read: () => number): () => void
}

class CounterSeries implements Counter {
  value = 0
  add(n = 1): void {
    this.value += n
  }
  collect(): Omit<Series, 'labels'> {
    return { value: this.value }
  }
}

class GaugeSeries implements Gauge {
  value = 0
  readonly readers = new Set<() => number>()
  set(value: number): void {
    this.value = value
  }
  add(n: number): void {
    this.value += n
  }
  collect(): Omit<Series, 'labels'> {
    let value = this.value
    for (const read of this.readers) value += read()
    return { value }
  }
}

class HistogramSeries implements Histogram {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum = 0
  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }
  observe(value: number): void {
    let i = 0
    while (i < this.bounds.length && value > this.bounds[i]!) i++
    this.counts[i] = this.counts[i]! + 1
    this.sum += value
  }
  collect(): Omit<Series, 'labels'> {
    return { counts: [...this.counts], sum: this.sum }
  }
}

interface Collected {
  collect(): Omit<Series, 'labels'>
}

class Family<S extends Collected> implements Instrument<S> {
  readonly #series = new Map<string, { labels: Labels; series: S }>()
  readonly #make: () => S
  readonly #head: Omit<MetricSnapshot, 'series'>

  constructor(head: Omit<MetricSnapshot, 'series'>, make: () => S) {
    this.#head = head
    this.#make = make
  }

  get type(): MetricSnapshot['type'] {
    return this.#head.type
  }

  with(labels: Labels = {}): S {
    const key = keyOf(labels)
    const found = this.#series.get(key)
    if (found) return found.series
    if (this.#series.size >= SERIES_MAX && !('overflow' in labels)) return this.with({ overflow: 'true' })
    const series = this.#make()
    this.#series.set(key, { labels, series })
    return series
  }

  /** Forgets a series that nobody feeds any more. */
  forget(labels: Labels): void {
    this.#series.delete(keyOf(labels))
  }

  snapshot(): MetricSnapshot {
    return { ...this.#head, series: [...this.#series.values()].map(({ labels, series }) => ({ labels, ...series.collect() })) }
  }
}

class GaugeFamily extends Family<GaugeSeries> implements GaugeInstrument {
  read(labels: Labels, read: () => number): () => void {
    const series = this.with(labels)
    series.readers.add(read)
    return () => {
      if (series.readers.delete(read) && series.readers.size === 0) this.forget(labels)
    }
  }
}

const keyOf = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))

const families = new Map<string, Family<Collected>>()

/** The same name gives the same instrument, so several services of a thread may share one. Throws when it exists with another type. */
function family<F extends Family<Collected>>(name: string, type: MetricSnapshot['type'], make: () => F): F {
  let found = families.get(name)
  if (!found) families.set(name, (found = make()))
  if (found.type !== type) throw new Error(`metric ${name} is a ${found.type}, not a ${type}`)
  return found as F
}

/** Counts up for the life of the thread. The name ends in `_total`. */
export const counter = (name: string, help: string): Instrument<Counter> =>
  family(name, 'counter', () => new Family({ name, help, type: 'counter' }, () => new CounterSeries()))

/** A value that goes up and down. */
export const gauge = (name: string, help: string): GaugeInstrument =>
  family(name, 'gauge', () => new GaugeFamily({ name, help, type: 'gauge' }, () => new GaugeSeries()))

/** Counts observations in buckets, upper bounds inclusive; durations are in seconds unless the name says otherwise. */
export const histogram = (name: string, help: string, bounds: readonly number[] = DURATION_BUCKETS): Instrument<Histogram> =>
  family(name, 'histogram', () => new Family({ name, help, type: 'histogram', bounds }, () => new HistogramSeries(bounds)))

/** Everything this thread has measured, ready to cross to the supervisor. */
export const collect = (): MetricSnapshot[] => [...families.values()].map((f) => f.snapshot())
