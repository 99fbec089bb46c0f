import type { BrokerOptions, Middleware } from 'moleculer'
import { accessMiddleware } from './mixins/access/middleware.ts'
import { actorRouting } from './mixins/actor/routing.ts'
import { idempotencyMiddleware } from './mixins/idempotency/middleware.ts'
import { measureCalls } from './mixins/metrics/calls.ts'
import { passingId } from './mixins/primitives/ids.ts'
import { problemType } from './mixins/primitives/problem.ts'
import { call } from './mixins/runtime/calls.ts'
import { callTimeouts, retriesOfSafeActions } from './mixins/runtime/patience.ts'
import { setting } from './mixins/settings/settings.ts'
import type {} from './services/auth/auth.contract.ts'

/** What differs from broker to broker; all else every node shares. */
export interface BrokerPlace {
  nodeID: string
  /** Joins this broker to others; none for a broker that stands alone, as in tests. */
  transporter?: BrokerOptions['transporter']
  /** Read by placement: the site, and whether the node drains. */
  metadata?: Record<string, unknown>
  logger?: BrokerOptions['logger']
}

/**
 * Middlewares of one broker, outermost first; those with a plain name are Moleculer's own, of which only these are used. Each
 * resolves what an action declares at wrap time, and costs nothing where it is not declared.
 */
const middlewares = (): (Middleware | string)[] => [
  measureCalls(),
  'ErrorHandler',
  callTimeouts(),
  retriesOfSafeActions(),
  'CircuitBreaker',
  'Bulkhead',
  'Validator',
  accessMiddleware({ findApiKey: (broker, digest) => call(broker, 'auth.worker.apiKey', { digest }) }),
  idempotencyMiddleware(),
  actorRouting(),
  'ActionHook'
]

/** At the default level, calls that meet a thread which is away are counted (mixins/metrics/calls.ts), not told line by line; the supervisor tells of the thread. */
const logLevels = (level: string): string | Record<string, string> => (level === 'warn' ? { BROKER: 'error', REGISTRY: 'error', '**': level } : level)

/** A fault of the endpoint, not a refusal: these open the circuit breaker. */
const isFault = (error: unknown): boolean => problemType(error) === null && ((error as { code?: number }).code ?? 500) >= 500

/** Options of every broker of the house, built from the environment. */
export function brokerOptions({ nodeID, transporter, metadata = {}, logger }: BrokerPlace): BrokerOptions {
  return {
    namespace: 'souk',
    nodeID,
    transporter: transporter ?? null,
    metadata: { site: setting('SOUK_SITE'), ...metadata },
    logger: logger ?? { type: 'Console', options: { level: logLevels(setting('SOUK_LOG_LEVEL')), formatter: 'short', colors: false } },
    serializer: 'JSON',
    requestTimeout: 15_000,
    heartbeatInterval: 3,
    heartbeatTimeout: 10,
    maxCallLevel: 50,
    skipProcessEventRegistration: true,
    dependencyTimeout: 30_000,
    dependencyInterval: 100,
    transit: { serviceChangedDebounceTime: 20 },
    registry: { strategy: 'RoundRobin', preferLocal: true, stopDelay: 100 },
    circuitBreaker: { enabled: true, threshold: 0.5, windowTime: 30, minRequestCount: 50, halfOpenTime: 2_000, check: isFault },
    bulkhead: { enabled: true, concurrency: 2_000, maxQueueSize: 2_000 },
    contextParamsCloning: false,
    uidGenerator: passingId,
    metrics: false,
    tracing: false,
    // What may be null, every rule of ours says itself (mixins/runtime/service.ts).
    validator: { type: 'Fastest', options: { considerNullAsAValue: true } },
    internalMiddlewares: false,
    middlewares: middlewares().reverse() // Moleculer wraps with the first one first
  } as BrokerOptions
}
