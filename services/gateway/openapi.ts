import { fieldsToJsonSchema, toJsonSchema, type JsonSchema } from '../../mixins/primitives/json-schema.ts'
import { PROBLEMS, type ProblemType } from '../../mixins/primitives/problem.ts'
import type { Fields, Rule } from '../../mixins/primitives/schema.ts'
import type { Auth } from '../../mixins/runtime/service.ts'
import { BASE_PATH, type ApiRoute } from './routes.ts'

/** An OpenAPI document or a part of one. */
export type OpenApi = Record<string, unknown>

export const API_VERSION = '1.0.0'
const ref = (kind: string, name: string): OpenApi => ({ $ref: `#/components/${kind}/${name}` })

const SECURITY: OpenApi = {
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Access token of register, login or refresh; lives ten minutes.' },
  cookie: { type: 'apiKey', in: 'cookie', name: 'souk_access', description: 'Set by signing in with the header `Souk-Session: cookie`. Unsafe requests also need `Souk-Csrf` with the value of the cookie `souk_csrf`.' },
  key: { type: 'apiKey', in: 'header', name: 'Souk-Key', description: 'API key of a program, from POST /me/api-keys.' },
  cart: { type: 'apiKey', in: 'header', name: 'Souk-Cart', description: "A guest's cart token, from the answer header of the first POST /cart/lines." }
}

const HEADERS: OpenApi = {
  ETag: { description: 'Entity tag of the answer.', schema: { type: 'string' } },
  'Idempotency-Replayed': { description: '`true` when this is the first answer to the same Idempotency-Key again.', schema: { type: 'string', enum: ['true'] } },
  'Retry-After': { description: 'Seconds until a retry makes sense.', schema: { type: 'integer', minimum: 1 } },
  'X-Request-Id': { description: 'Id of the request, the `instance` of its problem document.', schema: { type: 'string' } }
}

const headerParameter = (name: string, description: string, required = false): OpenApi => ({ name, in: 'header', required, description, schema: { type: 'string', minLength: 1, maxLength: 255 } })

const PARAMETERS: OpenApi = {
  IdempotencyKeyRequired: headerParameter('Idempotency-Key', 'A new one for each intention, the same one for its repetition; 1 to 255 visible characters, kept 24 hours.', true),
  IdempotencyKey: headerParameter('Idempotency-Key', 'Optional: a repetition with the same key gives the first answer again; kept 24 hours.'),
  Session: { name: 'Souk-Session', in: 'header', description: '`cookie`: the tokens come as HttpOnly cookies and not in the answer.', schema: { type: 'string', enum: ['cookie'] } },
  IfMatch: { name: 'If-Match', in: 'header', description: 'ETag of what is being changed: 412 when it has changed since.', schema: { type: 'string', pattern: '^(\\*|(W/)?"[^"]*")$' } },
  IfNoneMatch: { name: 'If-None-Match', in: 'header', description: 'ETag of what the client has: 304 when it is current.', schema: { type: 'string' } }
}

const PROBLEM: JsonSchema = {
  type: 'object',
  description: 'RFC 9457. Further members belong to the type, such as `lines` of `out-of-stock`.',
  properties: {
    type: { type: 'string', enum: Object.keys(PROBLEMS).map((type) => `/problems/${type}`) },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'Id of the request.' },
    errors: {
      type: 'array',
      items: { type: 'object', required: ['field', 'code', 'message'], properties: { field: { type: 'string' }, code: { type: 'string' }, message: { type: 'string' } } }
    }
  },
  required: ['type', 'title', 'status', 'detail', 'instance']
}

/** Problems an operation may answer with because of what it is; its own come on top. */
function problemsOf({ action, method, plan }: ApiRoute): ProblemType[] {
  const { auth, idempotent, problems = [] } = action.public
  const types: ProblemType[] = ['bad-request', 'validation-failed', 'rate-limited', 'internal', 'overloaded', 'unavailable']
  if (method === 'POST' || method === 'PUT' || method === 'PATCH') types.push('malformed-json', 'too-large', 'unsupported-media-type', 'card-data-refused')
  if (auth !== 'open') types.push('token-expired')
  if (typeof auth !== 'string') types.push('forbidden')
  if (idempotent) types.push('idempotency-key-reused', 'idempotency-key-in-progress')
  if (idempotent === 'required') types.push('idempotency-key-required')
  if (plan.path.size > 0) types.push('not-found')
  return [...new Set([...types, ...(problems as ProblemType[])])]
}

function problemResponses(route: ApiRoute): OpenApi {
  const byStatus = Map.groupBy(problemsOf(route), (type) => PROBLEMS[type][0])
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, types]) => [
      String(status),
      {
        description: types.map((type) => `\`${type}\`: ${PROBLEMS[type][1]}`).join('. '),
        ...(status === 429 || status === 503 ? { headers: { 'Retry-After': ref('headers', 'Retry-After') } } : {}),
        content: { 'application/problem+json': { schema: ref('schemas', 'Problem') } }
      }
    ])
  )
}

function success({ action, method, status }: ApiRoute): OpenApi {
  const { returns, etag, idempotent, alternateStatus } = action.public
  const headers = {
    'X-Request-Id': ref('headers', 'X-Request-Id'),
    ...(method !== 'POST' || status === 201 || etag ? { ETag: ref('headers', 'ETag') } : {}),
    ...(idempotent ? { 'Idempotency-Replayed': ref('headers', 'Idempotency-Replayed') } : {})
  }
  const answer = status === 204 ? { description: 'Done.', headers } : { description: 'Done.', headers, content: { 'application/json': { schema: toJsonSchema(returns) } } }
  return {
    [status]: answer,
    ...(alternateStatus ? { [alternateStatus]: { ...answer, description: 'Accepted; not settled yet.' } } : {}),
    ...(method === 'GET' ? { 304: { description: 'What the client has is current.' } } : {})
  }
}

function securityOf(auth: Auth): OpenApi[] {
  const signedIn = [{ bearer: [] }, { cookie: [] }, { key: [] }]
  if (auth === 'open') return []
  if (auth === 'guest') return [{}, { cart: [] }, ...signedIn]
  return auth === 'anyone' ? [{}, ...signedIn] : signedIn
}

/** `attr.<name>` stands for any number of query keys. */
const queryParameter = (name: string, rule: Rule, isMap: boolean): OpenApi => ({
  name: isMap ? `${name}.<name>` : name,
  in: 'query',
  required: !rule.optional,
  schema: isMap ? toJsonSchema(rule['value'] as Rule) : toJsonSchema(rule)
})

function parameters(route: ApiRoute): OpenApi[] {
  const { action, method, plan } = route
  const { idempotent } = action.public
  const rule = (name: string): Rule => action.params[name]!
  return [
    ...[...plan.path].map((name) => ({ name, in: 'path', required: true, schema: toJsonSchema(rule(name)) })),
    ...[...plan.query.keys()].map((name) => queryParameter(name, rule(name), false)),
    ...[...plan.maps].map((name) => queryParameter(name, rule(name), true)),
    ...(idempotent ? [ref('parameters', idempotent === 'required' ? 'IdempotencyKeyRequired' : 'IdempotencyKey')] : []),
    ...(action.public.cookies === 'sign-in' ? [ref('parameters', 'Session')] : []),
    ...(method === 'GET' ? [ref('parameters', 'IfNoneMatch')] : []),
    ...(problemsOf(route).includes('version-conflict') ? [ref('parameters', 'IfMatch')] : [])
  ]
}

function requestBody({ action, plan }: ApiRoute): OpenApi | null {
  const { upload } = action.public
  if (upload) {
    const file = { type: 'string', contentMediaType: upload.types.join(', '), description: `at most ${upload.maxBytes} bytes` }
    return { required: true, content: { 'multipart/form-data': { schema: { type: 'object', properties: { file }, required: ['file'] } } } }
  }
  const fields: Fields = Object.fromEntries(Object.entries(action.params).filter(([name]) => !plan.path.has(name)))
  if (plan.inQuery || Object.keys(fields).length === 0) return null
  return { required: Object.values(fields).some((rule) => !rule.optional), content: { 'application/json': { schema: fieldsToJsonSchema(fields) } } }
}

function operation(route: ApiRoute): OpenApi {
  const { action, path } = route
  const body = requestBody(route)
  const roles = typeof action.public.auth === 'string' ? [] : action.public.auth
  return {
    operationId: action.name,
    tags: [path.split('/')[1]!],
    summary: action.public.summary,
    ...(roles.length > 0 ? { description: `For: ${roles.join(', ')}.` } : {}),
    security: securityOf(action.public.auth),
    parameters: parameters(route),
    ...(body ? { requestBody: body } : {}),
    responses: { ...success(route), ...problemResponses(route) }
  }
}

/** The OpenAPI 3.1 document of these routes, made from the schemas that the actions themselves are checked by. */
export function openApi(routes: readonly ApiRoute[]): OpenApi {
  const paths: Record<string, OpenApi> = {}
  for (const route of [...routes].sort((a, b) => (a.path < b.path ? -1 : 1))) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route)
  return {
    openapi: '3.1.1',
    info: { title: 'Souk', version: API_VERSION, description: 'A marketplace of many sellers. Money is an integer count of minor units; times are RFC 3339 in UTC; errors are problem documents (RFC 9457).' },
    servers: [{ url: BASE_PATH }],
    tags: [...new Set(routes.map(({ path }) => path.split('/')[1]!))].sort().map((name) => ({ name })),
    paths,
    components: { schemas: { Problem: PROBLEM }, headers: HEADERS, parameters: PARAMETERS, securitySchemes: SECURITY }
  }
}
