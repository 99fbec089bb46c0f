import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { ServiceBroker } from 'moleculer'
import { problem } from '../../mixins/primitives/problem.ts'
import { prepare, prepareBytes, type Prepared } from '../../mixins/runtime/prepared.ts'
import { encode, send } from './answer.ts'
import { docsPage, problemPage, STYLE } from './docs.ts'
import { openApi, type OpenApi } from './openapi.ts'
import type { GatewayRequest } from './request.ts'
import type { ApiRoute } from './routes.ts'

/** What answers a path outside of the API. */
export type Page = (req: GatewayRequest, res: ServerResponse, next: (error?: unknown) => void) => void

/** What the pages look at. */
export interface Shown {
  broker: ServiceBroker
  draining: boolean
  /** None where no supervisor tells: then only this broker counts. */
  nodeState?: { ready: boolean }
  apiRoutes: ReadonlyMap<string, { route: ApiRoute | null }>
  /** When the last new route was found, by `performance.now()`. */
  grewAt: number
  /** Changes whenever the routes do. */
  edition: number
}

const services = new URL('../', import.meta.url)
const HTML_POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; frame-ancestors 'none'`

/** The worker of a face, where it has one, by the house's file names. */
const workerOf = (face: string): string[] => (existsSync(new URL(`${face}/${face}.worker.ts`, services)) ? [`${face}.worker`] : [])

/** Services this gateway cannot serve without and does not see: the faces it has or had routes for, and their workers. */
export function missingServices({ broker, apiRoutes }: Pick<Shown, 'broker' | 'apiRoutes'>): string[] {
  const faces = new Set([...apiRoutes.values()].map(({ route }) => route!.action.name.split('.')[0]!))
  const wanted = new Set([...faces].flatMap((face) => [face, ...workerOf(face)]))
  const there = new Set((broker.registry.getServiceList({ onlyAvailable: true }) as { fullName: string }[]).map(({ fullName }) => fullName))
  return [...wanted].filter((name) => !there.has(name)).sort()
}

/** A gateway without faces of its own learns of them one node after another: it waits until no more come. */
const SETTLED_MS = 1_000

/** Whether the routes are all there: those of this broker's own faces, or what came from others before it became quiet. */
export function isSettled({ broker, apiRoutes, grewAt }: Pick<Shown, 'broker' | 'apiRoutes' | 'grewAt'>): boolean {
  if (apiRoutes.size === 0) return false
  const hasFaces = broker.services.some(({ schema }) => Object.values(schema.actions ?? {}).some((action) => (action as { visibility?: unknown } | null)?.visibility === 'published'))
  return hasFaces || performance.now() - grewAt >= SETTLED_MS
}

const write = (req: GatewayRequest, res: ServerResponse, status: number, content: unknown, cacheControl: string, headers: string[] = []): Promise<void> =>
  send(req, res, { status, ...encode(content, false, undefined), cacheControl, headers: ['X-Request-Id', req.souk.id, ...headers] }, false)

const html = (text: string): Prepared => prepareBytes(Buffer.from(text), 'text/html; charset=utf-8')

const writeHtml = (req: GatewayRequest, res: ServerResponse, page: Prepared): Promise<void> =>
  send(req, res, { status: 200, ...encode(page, false, undefined), cacheControl: 'public, max-age=60', headers: ['X-Request-Id', req.souk.id], policy: HTML_POLICY }, false)

/** Makes something of the routes once for each edition of them. */
function perEdition<T>(shown: Shown, make: (document: OpenApi) => T): () => T {
  let made: { edition: number; value: T } | undefined
  return () => {
    if (made?.edition !== shown.edition) made = { edition: shown.edition, value: make(openApi([...shown.apiRoutes.values()].map(({ route }) => route!))) }
    return made.value
  }
}

/** Paths outside of the API, and what answers them. */
export function pages(shown: Shown): [path: string, page: Page][] {
  const document = perEdition(shown, prepare)
  const docs = perEdition(shown, (openapi) => html(docsPage(openapi)))
  const showDocs: Page = (req, res, next) => void writeHtml(req, res, docs()).catch(next)
  return [
    ['/healthz', (req, res, next) => void write(req, res, 200, { status: 'alive' }, 'no-store').catch(next)],
    [
      '/readyz',
      (req, res, next) => {
        const waitingFor = missingServices(shown)
        const status = shown.draining ? 'draining' : waitingFor.length === 0 && isSettled(shown) && shown.nodeState?.ready !== false ? 'ready' : 'starting'
        write(req, res, status === 'ready' ? 200 : 503, { status, waitingFor }, 'no-store', status === 'ready' ? [] : ['Retry-After', '1']).catch(next)
      }
    ],
    ['/openapi.json', (req, res, next) => void write(req, res, 200, document(), 'no-cache', ['Access-Control-Allow-Origin', '*']).catch(next)],
    ['/', showDocs],
    ['/docs', showDocs],
    [
      '/problems/{type}',
      (req, res, next) => {
        const text = problemPage(req.souk.pathParams['type']!)
        if (text === null) next(problem('not-found', 'There is no such type of problem.'))
        else writeHtml(req, res, html(text)).catch(next)
      }
    ]
  ]
}
