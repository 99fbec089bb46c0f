import type { Server, IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'moleculer'
import ApiGateway from 'moleculer-web'
import { isLoopback, limitKeyOf } from '../../mixins/access/address.ts'
import { openKeys, type OpenKeys } from '../../mixins/keys/keys.ts'
import { histogram, type Histogram } from '../../mixins/metrics/registry.ts'
import { openDiskObjects, OBJECTS_PATH } from '../../mixins/objects/objects.ts'
import { serveObjects } from '../../mixins/objects/serve-objects.ts'
import { problem, problemType } from '../../mixins/primitives/problem.ts'
import { againOf, isPrepared } from '../../mixins/runtime/prepared.ts'
import { service, type Meta, type ServiceThis } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import { encode, send } from './answer.ts'
import { corsHeaders, preflightHeaders } from './cors.ts'
import { isSettled, pages, type Page } from './pages.ts'
import { problemAnswer } from './problems.ts'
import { Repeats } from './repeats.ts'
import { begin, contextHeaders, cookiesFor, prepareCall, readContent, type GatewayRequest } from './request.ts'
import { BASE_PATH, discover, type ApiRoute } from './routes.ts'
import { Router, type Match } from './router.ts'
import { drain, listen, makeServer } from './server.ts'

/** Calls under way at once on this thread; a further one is `overloaded` at once, so that those under way stay quick. */
const WORKING_MAX = 1_000
const DISCOVER_MS = 30
const DRAIN_MS = 10_000
const took = histogram('souk_http_seconds', 'Duration of HTTP requests by operation and status, with those that were answered again without a call')

/** What moleculer-web knows of a route: we fill in the alias ourselves. */
interface Alias {
  action: string | null
  handler: unknown
  route: { path: string }
}

/** What the router finds. `route` is replaced when the action's metadata changes. */
interface Target {
  alias: Alias
  route: ApiRoute | null
  took: Map<number, Histogram>
}

/** What the supervisor says of the whole node. */
interface NodeState {
  ready: boolean
  draining: boolean
}

type Gateway = ServiceThis<{
  server: Server
  router: Router<Target>
  repeats: Repeats<Target>
  apiRoutes: Map<string, Target>
  edition: number
  grewAt: number
  /** From the first moment on at which all routes were known: before it, nobody can say that there is nothing at a path. */
  knowsAll: boolean
  aliases: Alias[]
  routes: { path: string }[]
  keys?: OpenKeys
  working: number
  draining: boolean
  nodeState?: NodeState
  drained?: Promise<void>
  discovering?: NodeJS.Timeout
  origins: readonly string[]
  proxies: number
  requestLimit: number
  /** Objects lie on this machine's disk, so we serve their signed URLs. */
  hasObjects: boolean
  objects?: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  createAlias(route: unknown, path: object, action: unknown): Alias
  routeHandler(ctx: Context, route: unknown, req: GatewayRequest, res: ServerResponse, found: object): Promise<unknown>
  aliasHandler(req: GatewayRequest, res: ServerResponse, alias: Alias): Promise<unknown>
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>
  answerAgain(req: GatewayRequest, res: ServerResponse): Promise<void> | null
  dispatch(req: GatewayRequest, res: ServerResponse): Promise<void>
  serveApi(req: GatewayRequest, res: ServerResponse, target: Target): Promise<void>
  fail(req: GatewayRequest, res: ServerResponse, error: unknown): Promise<void>
  answer(req: GatewayRequest, res: ServerResponse, data: unknown): Promise<void>
  discover(): void
  serve(method: string, route: ApiRoute | null, path: string, action: string | Page): Target
  drain(): Promise<void>
}>

const isLimited = (gateway: Gateway, address: string): boolean => gateway.requestLimit > 0 && !isLoopback(address)

/** Throws `rate-limited` for one request too many of an address in this minute. */
async function limitAddress(gateway: Gateway, address: string): Promise<void> {
  const { allowed, resetMs } = await (gateway.keys ??= openKeys()).hit(`requests:address:${limitKeyOf(address)}`, 60_000, gateway.requestLimit)
  if (!allowed) throw problem('rate-limited', 'Too many requests from this address.', { retryAfter: resetMs / 1_000 })
}

const noSuchPath = (): Error => problem('not-found', 'There is nothing at this path.')

/** Strangers may ask for it. */
const isPublic = ({ action }: ApiRoute): boolean => action.public.auth === 'anyone' || action.public.auth === 'open'

const keyOf = ({ method, path }: Pick<ApiRoute, 'method' | 'path'>): string => `${method} ${path}`

/** What serves a method and path. While the faces are still coming, a path that is not known may be in a moment: 503, not 404 or 405. */
function find(gateway: Gateway, method: string, path: string): Match<Target> {
  gateway.knowsAll ||= gateway.broker.started && !gateway.discovering && isSettled(gateway)
  try {
    const found = gateway.router.find(method, path)
    if (found) return found
  } catch (error) {
    if (gateway.knowsAll || problemType(error) !== 'method-not-allowed') throw error
  }
  throw gateway.knowsAll ? noSuchPath() : problem('unavailable', 'The service is starting: try again shortly.', { retryAfter: 1 })
}

/** OPTIONS: what a path takes, and to a browser's preflight what its page may send. */
async function options(gateway: Gateway, req: GatewayRequest, res: ServerResponse): Promise<void> {
  const methods = gateway.router.methods(req.parsedUrl)
  if (methods.length === 0) throw noSuchPath()
  const cors = corsHeaders(req, gateway.origins)
  const preflight = cors.length > 2 && req.headers['access-control-request-method'] !== undefined ? preflightHeaders() : []
  await send(req, res, { status: 204, body: null, type: '', etag: null, cacheControl: 'no-store', headers: ['Allow', methods.join(', '), ...cors, ...preflight] }, gateway.draining)
}

function observe(series: Map<number, Histogram>, route: ApiRoute, status: number, startedAt: number): void {
  let histogramOf = series.get(status)
  if (!histogramOf) series.set(status, (histogramOf = took.with({ operation: route.action.name, status: String(status) })))
  histogramOf.observe((performance.now() - startedAt) / 1_000)
}

/**
 * The way in: HTTP on one side, published actions on the other. It owns no data and no rule: routes, limits on what a body may be
 * and the OpenAPI document come from the actions' own metadata, as discovery brings it from whatever node; parameters and rights
 * are checked where the action runs. Every error leaves as a problem document (RFC 9457), never with an internal message.
 * moleculer-web serves the requests; routing (by segments, not by a list of patterns), parameters and answers are ours.
 */
export default service({
  name: 'gateway',
  mixins: [ApiGateway],

  settings: {
    server: false,
    logRequest: null,
    logRequestParams: null,
    logResponse: null,
    logRouteRegistration: null,
    routes: [
      {
        path: BASE_PATH,
        bodyParsers: false,
        mergeParams: false,
        mappingPolicy: 'restrict',
        logging: false,
        aliases: {},
        onBeforeCall(_ctx: Context, _route: unknown, req: GatewayRequest) {
          prepareCall(req, _ctx)
        }
      },
      { path: '/', bodyParsers: false, mergeParams: false, mappingPolicy: 'restrict', logging: false, aliases: {} }
    ]
  },

  events: {
    '$services.changed'(this: Gateway) {
      this.discovering ??= setTimeout(() => this.discover(), DISCOVER_MS)
    },

    /** From the node's supervisor. Once it drains, clients are told to open their next connection elsewhere. */
    '$node.state'(this: Gateway, ctx: Context<NodeState>) {
      this.nodeState = ctx.params
      this.draining ||= ctx.params.draining
    }
  },

  methods: {
    /** The server's listener: what every request goes through, whatever it asks for. */
    async handle(this: Gateway, raw: IncomingMessage, res: ServerResponse) {
      const req = begin(raw, this.proxies)
      try {
        await (this.answerAgain(req, res) ?? this.dispatch(req, res))
      } catch (error) {
        await this.fail(req, res, error)
      }
    },

    /** What was answered to a stranger before and would be now, without a call; null when the action has to be asked. */
    answerAgain(this: Gateway, req: GatewayRequest, res: ServerResponse) {
      const again = isLimited(this, req.souk.address) ? null : this.repeats.find(req)
      if (!again) return null
      const { target, prepared } = again
      const route = (req.souk.route = target.route!)
      const sent = send(req, res, { status: route.status, ...encode(prepared, true, undefined), cacheControl: route.cacheControl, headers: contextHeaders(req, this.origins) }, this.draining)
      observe(target.took, route, res.statusCode, req.souk.startedAt)
      return sent
    },

    async dispatch(this: Gateway, req: GatewayRequest, res: ServerResponse) {
      const method = req.method ?? 'GET'
      if (this.hasObjects && req.parsedUrl.startsWith(`${OBJECTS_PATH}/`)) return (this.objects ??= serveObjects(openDiskObjects()))(req, res)
      if (method === 'OPTIONS') return options(this, req, res)
      const found = find(this, method, req.parsedUrl)
      const { alias, route, took: series } = found.target
      req.souk.route = route
      req.souk.pathParams = found.params
      const ctx = this.broker.ContextFactory.create(this.broker, null as never, null as never, { requestID: req.souk.id, meta: { requestId: req.souk.id, address: req.souk.address } })
      req.$ctx = ctx as never
      if (!route) return void (await this.routeHandler(ctx, alias.route, req, res, { alias, params: found.params }))
      res.once('close', () => observe(series, route, res.statusCode, req.souk.startedAt))
      await this.serveApi(req, res, found.target)
    },

    /** Limits first, then the body, so that what is refused is not read; then moleculer-web finds the action and calls it. */
    async serveApi(this: Gateway, req: GatewayRequest, res: ServerResponse, { alias, route }: Target) {
      if (isLimited(this, req.souk.address)) await limitAddress(this, req.souk.address)
      if (route!.method !== 'GET') await readContent(req)
      req.$route = alias.route
      await this.aliasHandler(req, res, alias)
    },

    /** In place of moleculer-web's: CORS headers go with the answer. */
    corsHandler: () => false,

    /** In place of moleculer-web's: calls the action and answers. */
    async callAction(this: Gateway, _route: unknown, _name: string, req: GatewayRequest, res: ServerResponse, params: Record<string, unknown>) {
      if (this.working >= WORKING_MAX) throw problem('overloaded', 'Too many requests at once: try again shortly.', { retryAfter: 1 })
      this.working++
      try {
        const stream = req.souk.upload?.stream
        await this.answer(req, res, await req.$ctx.call(req.$endpoint as never, params, stream ? { stream } : {}))
      } finally {
        this.working--
      }
      return true
    },

    async answer(this: Gateway, req: GatewayRequest, res: ServerResponse, answered: unknown) {
      const route = req.souk.route!
      const { data, cookies } = route.action.public.cookies ? cookiesFor(req, answered) : { data: answered, cookies: [] }
      const status = (req.$ctx.meta as Meta).$statusCode ?? route.status
      const headers = contextHeaders(req, this.origins)
      for (const cookie of cookies) headers.push('Set-Cookie', cookie)
      const tagged = route.method !== 'POST' || status === 201
      const again = isPrepared(data) && status === 200 && req.method === 'GET' && isPublic(route) ? againOf(data) : undefined
      if (again) this.repeats.remember(req.originalUrl, this.apiRoutes.get(keyOf(route))!, again)
      const content = status === 204 ? { body: null, type: '', etag: null } : encode(data, tagged, route.action.public.etag)
      await send(req, res, { status, ...content, cacheControl: route.cacheControl, headers }, this.draining)
    },

    async fail(this: Gateway, req: GatewayRequest, res: ServerResponse, error: unknown) {
      const { status, retryAfter, document } = problemAnswer(error, req.souk.id, req.souk.route?.action.name ?? null)
      if (status === 500) this.logger.error(`${req.method} ${req.parsedUrl} failed, request ${req.souk.id}:`, error)
      const headers = contextHeaders(req, this.origins)
      if (retryAfter !== null) headers.push('Retry-After', String(retryAfter))
      if (status === 401) headers.push('WWW-Authenticate', `Bearer realm="souk"${req.headers.authorization === undefined ? '' : ', error="invalid_token"'}`)
      if (status === 405) headers.push('Allow', (document['allow'] as string[]).join(', '))
      await send(req, res, { status, body: Buffer.from(JSON.stringify(document)), type: 'application/problem+json', etag: null, cacheControl: 'no-store', headers }, this.draining)
    },

    /** Takes in what the registry knows. A route that was known stays: while its action is away it answers 503, not 404. */
    discover(this: Gateway) {
      delete this.discovering
      for (const route of discover(this.broker)) {
        const key = keyOf(route)
        const known = this.apiRoutes.get(key)
        if (!known) {
          this.apiRoutes.set(key, this.serve(route.method, route, route.path, route.action.name))
          this.grewAt = performance.now()
        } else if (known.alias.action === route.action.name) known.route = route
        else this.logger.error(`${key} is declared by ${known.alias.action} and by ${route.action.name}: the first one serves it`)
      }
      this.edition++
    },

    serve(this: Gateway, method: string, route: ApiRoute | null, path: string, action: string | Page): Target {
      const [api, page] = this.routes as [{ path: string }, { path: string }]
      const alias = this.createAlias(route ? api : page, { method, path: path.replaceAll(/\{(\w+)\}/g, ':$1') }, action)
      alias.toString = () => `${method} ${path}` // moleculer-web prints it for each request, in colours
      this.aliases.push(alias)
      const target = { alias, route, took: new Map() }
      this.router.add(method, route ? BASE_PATH + path : path, target)
      return target
    },

    drain(this: Gateway) {
      this.draining = true
      return (this.drained ??= drain(this.server, DRAIN_MS))
    }
  },

  created(this: Gateway) {
    this.working = 0
    this.draining = false
    this.router = new Router()
    this.repeats = new Repeats()
    this.apiRoutes = new Map()
    this.edition = 0
    this.knowsAll = false
    this.grewAt = performance.now()
    this.origins = setting('SOUK_CORS_ORIGINS')
    this.proxies = setting('SOUK_TRUSTED_PROXIES')
    this.requestLimit = setting('SOUK_LIMIT_REQUESTS_PER_MINUTE')
    this.hasObjects = setting('S3_ENDPOINT') === null
    this.server = makeServer((req, res) => void this.handle(req, res))
    for (const [path, page] of pages(this)) this.serve('GET', null, path, page)
    // The broker stops all services at once; requests must be through before the first of them goes.
    ;(this.broker as unknown as { middlewares: { add(hook: object): void } }).middlewares.add({ name: 'GatewayDrain', stopping: () => this.drain() })
  },

  async started(this: Gateway) {
    this.discover()
    await listen(this.server, setting('SOUK_PORT'), setting('SOUK_HOST'))
  },

  async stopped(this: Gateway) {
    clearTimeout(this.discovering)
    await this.drain()
    await this.keys?.close()
  }
})
