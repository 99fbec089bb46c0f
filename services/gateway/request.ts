import type { IncomingMessage } from 'node:http'
import type { Context } from 'moleculer'
import { verifyAccessToken } from '../../mixins/access/tokens.ts'
import { holdsCardNumber } from '../../mixins/primitives/card.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { Auth, Ctx, Meta } from '../../mixins/runtime/service.ts'
import { readJson } from './body.ts'
import { corsHeaders } from './cors.ts'
import { refreshCookie, signInCookies, signOutCookies, wantsCookies, type SessionTokens } from './cookies.ts'
import { parametersOf } from './parameters.ts'
import type { ApiRoute } from './routes.ts'
import { readUploadedFile, type Upload } from './upload.ts'
import { addressOf, credentialsOf, ifMatchOf, isSecure, requestIdOf } from './visitor.ts'

/** What we keep about a request while it is served. */
export interface RequestState {
  id: string
  startedAt: number
  address: string
  secure: boolean
  query: string | undefined
  /** Null for pages and unknown paths. */
  route: ApiRoute | null
  pathParams: Record<string, string>
  upload: Upload | null
  /** The session's tokens go into cookies, not into the answer. */
  inCookies: boolean
}

/** A request with what moleculer-web and we hang on it. */
export interface GatewayRequest extends IncomingMessage {
  souk: RequestState
  originalUrl: string
  parsedUrl: string
  query: unknown
  body?: { bytes: Buffer; value: unknown }
  $ctx: Ctx
  $params: Record<string, unknown>
  $endpoint: { action: { name: string } }
  $route: unknown
}

/** Begins a request's state; nothing of it is trusted yet. */
export function begin(req: IncomingMessage, proxies: number): GatewayRequest {
  const request = req as GatewayRequest
  const url = req.url ?? '/'
  const mark = url.indexOf('?')
  request.originalUrl = url
  request.parsedUrl = mark < 0 ? url : url.slice(0, mark)
  request.query = undefined
  request.souk = {
    id: requestIdOf(req),
    startedAt: performance.now(),
    address: addressOf(req, proxies),
    secure: isSecure(req, proxies),
    query: mark < 0 ? undefined : url.slice(mark + 1),
    route: null,
    pathParams: {},
    upload: null,
    inCookies: false
  }
  return request
}

/** Files are large: only who presents a token of ours, or a key, may send one. Whether it is alive, the action finds out. */
async function checkSender(req: GatewayRequest, auth: Auth): Promise<void> {
  if (auth === 'open' || auth === 'anyone' || auth === 'guest') return
  const { token, apiKey } = credentialsOf(req, auth, false) ?? {}
  if (token === undefined ? apiKey === undefined : !(await verifyAccessToken(token))) throw problem('token-expired', 'Sign in first.')
}

/**
 * Reads what the route's method brings: a file, a JSON body, or nothing. Throws 400, 401, 413, 415 or 422 problems. A card number is
 * refused here, whatever field of whatever operation holds it, so that it goes no further: the payment provider's page takes those.
 */
export async function readContent(req: GatewayRequest): Promise<void> {
  const { route } = req.souk
  if (!route || route.method === 'GET') return
  const { upload, auth } = route.action.public
  if (upload) {
    await checkSender(req, auth)
    req.souk.upload = await readUploadedFile(req, upload)
  } else {
    const body = await readJson(req)
    if (body && holdsCardNumber(body.value)) throw problem('card-data-refused', 'Send the token that the payment provider gave for the card, never its number.')
    if (body) req.body = body
  }
}

const has = (route: ApiRoute, name: string): boolean => Object.hasOwn(route.action.params, name)

/** The refresh token of a cookie session stands in for the body's. */
function addRefreshCookie(req: GatewayRequest, route: ApiRoute, params: Record<string, unknown>): void {
  if (!has(route, 'refreshToken') || params['refreshToken'] !== undefined) return
  const token = refreshCookie(req)
  if (token === undefined) return
  params['refreshToken'] = token
  req.souk.inCookies = true
}

function addMeta(req: GatewayRequest, route: ApiRoute, meta: Meta): void {
  const { auth, cookies, signature } = route.action.public
  const credentials = credentialsOf(req, auth, cookies === 'sign-out')
  const key = req.headers['idempotency-key']
  const ifMatch = route.method === 'GET' ? undefined : ifMatchOf(req)
  const userAgent = req.headers['user-agent']
  if (credentials) meta.credentials = credentials
  if (typeof key === 'string') meta.idempotencyKey = key
  if (ifMatch !== undefined) meta.ifMatch = ifMatch
  if (userAgent !== undefined && route.method !== 'GET') meta.userAgent = userAgent.slice(0, 400)
  if (signature) meta.signed = { body: req.body?.bytes.toString() ?? '', signature: String(req.headers[signature] ?? '') }
}

/** Fills in what the action is called with: its parameters, and beside them what the request says about its sender. */
export function prepareCall(req: GatewayRequest, ctx: Context): void {
  const route = req.souk.route!
  const params = parametersOf(req.souk.pathParams, req.souk.query, req.body?.value, route.plan)
  if (req.souk.upload) Object.assign(params, req.souk.upload.params)
  if (route.action.public.cookies === 'sign-in') {
    req.souk.inCookies = wantsCookies(req)
    addRefreshCookie(req, route, params)
  }
  addMeta(req, route, ctx.meta as Meta)
  req.$params = params
}

const isTokens = (data: unknown): data is SessionTokens => data !== null && typeof data === 'object' && 'accessToken' in data && 'refreshToken' in data

/** Moves the answer's tokens into cookies, or takes the cookies back, as the route and the request want it. */
export function cookiesFor(req: GatewayRequest, data: unknown): { data: unknown; cookies: string[] } {
  const how = req.souk.route!.action.public.cookies
  if (how === 'sign-out' && req.headers.cookie !== undefined) return { data, cookies: signOutCookies(req.souk.secure) }
  if (how !== 'sign-in' || !req.souk.inCookies || !isTokens(data)) return { data, cookies: [] }
  const { accessToken, refreshToken, ...rest } = data
  return { data: rest, cookies: signInCookies({ accessToken, refreshToken, expiresIn: rest.expiresIn }, req.souk.secure) }
}

/** Headers of an answer that its request and its context decided, names and values in turn, for the caller to add to. */
export function contextHeaders(req: GatewayRequest, origins: readonly string[]): string[] {
  const meta = req.$ctx?.meta as Meta | undefined
  const headers = ['X-Request-Id', req.souk.id]
  if (req.souk.secure) headers.push('Strict-Transport-Security', 'max-age=31536000')
  if (meta?.replayed) headers.push('Idempotency-Replayed', 'true')
  if (meta?.$responseHeaders) for (const [name, value] of Object.entries(meta.$responseHeaders)) headers.push(name, value)
  if (req.headers.origin !== undefined) headers.push(...corsHeaders(req, origins))
  return headers
}
