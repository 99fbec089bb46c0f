import type { ServiceBroker } from 'moleculer'
import type { Fields, Rule } from '../../mixins/primitives/schema.ts'
import type { PublicOptions } from '../../mixins/runtime/service.ts'
import { planOf, type ParameterPlan } from './parameters.ts'

/** A published action as it travels with discovery. */
export interface PublishedAction {
  name: string
  params: Fields
  public: PublicOptions & { returns: Rule }
}

/** How one operation of the API is served; compiled once, when its action is discovered. */
export interface ApiRoute {
  action: PublishedAction
  method: string
  /** Below the base path, e.g. `/orders/{id}/cancel`. */
  path: string
  plan: ParameterPlan
  /** Status of a success. */
  status: number
  cacheControl: string
}

/** Base path of every operation. */
export const BASE_PATH = '/api/v1'

/** Public reads may be kept by anyone for a while; what a person reads is theirs; what changes something is nobody's. */
function cacheControlOf(method: string, { auth, cacheSeconds }: PublicOptions): string {
  if (method !== 'GET') return 'no-store'
  if (auth !== 'anyone' && auth !== 'open') return 'private, no-cache'
  return cacheSeconds === undefined ? 'no-cache' : `public, max-age=${cacheSeconds}`
}

/** How a published action is served. */
export function routeOf(action: PublishedAction): ApiRoute {
  const [method, path] = action.public.rest.split(' ') as [string, string]
  const { $$strict: _, ...params } = action.params
  const pathNames = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  const status = action.public.status ?? 200
  return { action: { ...action, params }, method, path, plan: planOf(method, pathNames, params), status, cacheControl: cacheControlOf(method, action.public) }
}

interface Listed {
  name: string
  action?: Partial<PublishedAction> & { visibility?: string }
}

/** Every published action the registry knows, here or on other nodes, as a route. */
export function discover(broker: ServiceBroker): ApiRoute[] {
  const listed = broker.registry.getActionList({ skipInternal: true }) as unknown as Listed[]
  return listed.flatMap(({ name, action }) =>
    action?.visibility === 'published' && action.public?.rest ? [routeOf({ name, params: action.params ?? {}, public: action.public as PublishedAction['public'] })] : []
  )
}
