import { setTimeout as sleep } from 'node:timers/promises'
import type { Middleware, ServiceBroker } from 'moleculer'
import { problemType } from '../primitives/problem.ts'
import type { Handler } from '../runtime/handler.ts'
import { counter, gauge, histogram, type Histogram, type Labels } from './registry.ts'

const durations = histogram('souk_action_seconds', 'Duration of actions on the thread that ran them, their answer included; its count is the number of requests.')
const errors = counter('souk_action_errors_total', 'Actions that were refused or failed, by the type of the error.')
const eventDurations = histogram('souk_event_seconds', 'Duration of handlers of events between brokers.')
const eventErrors = counter('souk_event_errors_total', 'Handlers of events between brokers that failed, by the type of the error.')
const inFlight = gauge('souk_actions_in_flight', 'Actions and event handlers that run at this moment.')

/** What is read of an action or event when it is wrapped. */
interface Wrapped {
  name: string
  service?: { fullName: string }
}

/** How long a broker that stops waits for what is in flight. */
const DRAIN_MS = 8_000

const typeOf = (error: unknown): string => {
  const { type, name } = (error ?? {}) as { type?: unknown; name?: unknown }
  return problemType(error) ?? (typeof type === 'string' && type ? type : typeof name === 'string' ? name : 'unknown')
}

/** Measures every action and event handler of a broker; and when the broker stops, lets what is in flight end before any service goes away. */
export function measureCalls(): Middleware {
  let active = 0

  const measured = (next: Handler, duration: Histogram, failed: (type: string) => void): Handler =>
    async function measure(ctx) {
      active++
      const start = performance.now()
      try {
        return await next(ctx)
      } catch (error) {
        failed(typeOf(error))
        throw error
      } finally {
        active--
        duration.observe((performance.now() - start) / 1_000)
      }
    }

  const errorsOf = (instrument: typeof errors, labels: Labels) => (type: string) => instrument.with({ ...labels, type }).add()

  return {
    name: 'MeasureCalls',
    created: () => void inFlight.read({}, () => active),
    localAction(next: Handler, action: Wrapped) {
      if (action.name.startsWith('$')) return next
      const labels = { service: action.service?.fullName ?? '', action: action.name }
      return measured(next, durations.with(labels), errorsOf(errors, labels))
    },
    localEvent(next: Handler, event: Wrapped) {
      const labels = { service: event.service?.fullName ?? '', event: event.name }
      return measured(next, eventDurations.with(labels), errorsOf(eventErrors, labels))
    },
    async stopping(broker: ServiceBroker) {
      const deadline = performance.now() + DRAIN_MS
      while (active > 0 && performance.now() < deadline) await sleep(10)
      if (active > 0) broker.logger.warn(`stops with ${active} calls still running after ${DRAIN_MS / 1_000} s`)
    }
  } as unknown as Middleware
}
