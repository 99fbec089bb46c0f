import type { ServiceBroker } from 'moleculer'
import { hint, type Hints } from './calls.ts'

type Broadcaster = Pick<ServiceBroker, 'broadcast'>

/**
 * A hint for hot paths: names given within `ms` go out as one broadcast. Never throws and never waits; like every hint it may be
 * lost, so whoever listens must also look by itself.
 */
export function gatheredHint<N extends keyof Hints & string>(name: N, ms: number, payload: (names: string[]) => Hints[N]): (broker: Broadcaster, names: Iterable<string>) => void {
  const gathered = new WeakMap<Broadcaster, Set<string>>()
  return (broker, names) => {
    let waiting = gathered.get(broker)
    if (!waiting) {
      waiting = new Set()
      gathered.set(broker, waiting)
      setTimeout(() => {
        const gone = gathered.get(broker)!
        gathered.delete(broker)
        hint(broker, name, payload([...gone]))
      }, ms).unref()
    }
    for (const one of names) waiting.add(one)
  }
}
