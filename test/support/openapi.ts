import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

/** A JSON Schema as the shop's own document writes them. */
export type Schema = Record<string, unknown>

/** One operation of the running shop, as its OpenAPI document describes it. */
export interface Operation {
  /** The action's name, e.g. `order.cancel`. */
  id: string
  method: string
  /** Below the base path, e.g. `/orders/{id}/cancel`. */
  path: string
  /** Names in the path. */
  pathNames: string[]
  query: { name: string; required: boolean; schema: Schema }[]
  body: Schema | null
  upload: boolean
  /** Idempotency-Key: must, may or cannot be sent. */
  key: 'required' | 'honoured' | 'none'
  /** May be used by somebody who is not signed in. */
  anonymous: boolean
  /** Roles of which a caller needs one; empty for no such bound. */
  roles: string[]
  /** Statuses it declares. */
  statuses: number[]
  /** What is wrong with an answer; null when it is as declared. */
  fault(status: number, type: string | null, body: unknown): string | null
}

interface Described {
  operationId: string
  description?: string
  security: object[]
  parameters: { $ref?: string; name: string; in: string; required: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}

interface Document {
  paths: Record<string, Record<string, Described>>
  components: { schemas: Record<string, Schema> }
}

function keyOf({ parameters }: Described): Operation['key'] {
  if (parameters.some((p) => p.$ref?.endsWith('/IdempotencyKeyRequired'))) return 'required'
  return parameters.some((p) => p.$ref?.endsWith('/IdempotencyKey')) ? 'honoured' : 'none'
}

/** Whether an answer is one of those that are declared, in status, media type and body. */
function faultOf(described: Described, validators: ReadonlyMap<string, ValidateFunction>, status: number, type: string | null, body: unknown): string | null {
  const declared = described.responses[status]
  if (!declared) return `status ${status} is not declared`
  const media = Object.keys(declared.content ?? {})[0]
  if (!media) return body === null || body === '' ? null : `a body where none is declared: ${JSON.stringify(body)}`
  if (type?.split(';')[0] !== media) return `media type ${type} and not ${media}`
  const validate = validators.get(`${described.operationId} ${status}`)!
  return validate(body) ? null : `body is not as declared: ${JSON.stringify(validate.errors)}`
}

function operationOf(path: string, method: string, described: Described, validators: ReadonlyMap<string, ValidateFunction>): Operation {
  const content = described.requestBody?.content ?? {}
  return {
    id: described.operationId,
    method: method.toUpperCase(),
    path,
    pathNames: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!),
    query: described.parameters.filter((p) => p.in === 'query').map(({ name, required, schema }) => ({ name, required, schema })),
    body: content['application/json']?.schema ?? null,
    upload: 'multipart/form-data' in content,
    key: keyOf(described),
    anonymous: described.security.length === 0 || described.security.some((way) => Object.keys(way).length === 0),
    roles: /^For: (.+)\.$/.exec(described.description ?? '')?.[1]?.split(', ') ?? [],
    statuses: Object.keys(described.responses).map(Number),
    fault: (status, type, body) => faultOf(described, validators, status, type, body)
  }
}

/** Every operation of a running shop, from the document that it publishes. */
export async function operationsOf(url: string): Promise<Operation[]> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as Document
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'shop', ...document })
  const validators = new Map<string, ValidateFunction>()
  const found: Operation[] = []
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, described] of Object.entries(methods)) {
      for (const [status, { content }] of Object.entries(described.responses)) {
        const schema = Object.values(content ?? {})[0]?.schema
        if (schema) validators.set(`${described.operationId} ${status}`, ajv.compile(absolute(schema)))
      }
      found.push(operationOf(path, method, described, validators))
    }
  }
  return found
}

/** References within the document, as seen from outside it. */
const absolute = (schema: Schema): Schema => ('$ref' in schema ? { $ref: `shop${String(schema['$ref'])}` } : schema)
