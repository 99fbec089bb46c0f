import type { BrokerOptions, Middleware } from 'moleculer'
import { accessMiddleware } from './mixins/access/middleware.ts'
import { idempotencyMiddleware } from './mixins/idempotency/middleware.ts'
import { problemType } from './mixins/primitives/problem.ts'
import { call } from './mixins/runtime/calls.ts'
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
 * Middlewares of one broker, outermost first; all of them inside Moleculer's own, so parameters are validated before. Each resolves
 * what an action declares at wrap time, and costs nothing where it is not declared.
 */
const middlewares = (): Middleware[] => [
  accessMiddleware({ findApiKey: (broker, digest) => call(broker, 'auth.worker.apiKey', { digest }) }),
  idempotencyMiddleware()
]

/** Options of every broker of the house, built from the environment. */
export function brokerOptions({ nodeID, transporter, metadata = {}, logger }: BrokerPlace): BrokerOptions {
  return {
    namespace: 'souk',
    nodeID,
    transporter: transporter ?? null,
    metadata: { site: setting('SOUK_SITE'), ...metadata },
    logger: logger ?? { type: 'Console', options: { level: setting('SOUK_LOG_LEVEL'), formatter: 'short', colors: false } },
    serializer: 'JSON',
    requestTimeout: 15_000,
    heartbeatInterval: 3,
    heartbeatTimeout: 10,
    maxCallLevel: 50,
    skipProcessEventRegistration: true,
    dependencyTimeout: 30_000,
    dependencyInterval: 100,
    tracking: { enabled: true, shutdownTimeout: 8_000 },
    transit: { serviceChangedDebounceTime: 20 },
    registry: { strategy: 'RoundRobin', preferLocal: true, stopDelay: 100 },
    circuitBreaker: { enabled: true, threshold: 0.5, windowTime: 30, minRequestCount: 50, halfOpenTime: 2_000, check: (error: Error) => problemType(error) === null && ((error as { code?: number }).code ?? 500) >= 500 },
    bulkhead: { enabled: true, concurrency: 2_000, maxQueueSize: 2_000 },
    retryPolicy: { enabled: false },
    contextParamsCloning: false,
    metrics: false,
    tracing: false,
    validator: true,
    middlewares: middlewares().reverse() // Moleculer wraps with the first one first
  } as BrokerOptions
}
