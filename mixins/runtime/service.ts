import type { Context, Service, ServiceBroker, ServiceSchema } from 'moleculer'
import type { Fields, Rule } from '../primitives/schema.ts'
import type { ActionContract, ParamsOf, ResultOf } from './calls.ts'

/** Who is calling, as the gateway's `auth` middleware found it. */
export type Caller =
  | { kind: 'anonymous' }
  | { kind: 'guest'; cartId: string }
  | { kind: 'user'; userId: string; sessionId: string; roles: Role[]; site: string }

export const ROLES = ['shopper', 'seller', 'admin', 'carrier'] as const
export type Role = (typeof ROLES)[number]

/** The operation id of a request that carries an Idempotency-Key: what a worker records in its change's own commit. */
export interface Operation {
  /** digest(caller, operation, key): the record's primary key. */
  id: string
  /** digest of the canonical body, `confirmation` left out. */
  bodyHash: string
}

/** What a request presented to prove who it is. The access middleware of the face turns it into a `Caller`; it goes no further. */
export interface Credentials {
  /** Access token, from `Authorization: Bearer` or from a cookie whose CSRF check passed. */
  token?: string
  /** `Souk-Key` of a program. */
  apiKey?: string
  /** `Souk-Cart` of a guest. */
  cart?: string
}

/** What travels beside the parameters of a call. Everything in it was put there by our own middlewares, never by a client. */
export interface Meta {
  requestId?: string
  credentials?: Credentials
  /** Cart of the request's Souk-Cart token, whoever else the caller is: sign-in merges it. */
  guestCart?: string
  /** As the client sent it; the idempotency middleware makes `operation` of it. */
  idempotencyKey?: string
  /** Client address, for limits and session lists. */
  address?: string
  userAgent?: string
  caller?: Caller
  operation?: Operation
  /** Set by a worker that answered from an idempotency record: status and body are the first answer's. */
  replayed?: boolean
  /** If-Match, unquoted. */
  ifMatch?: string
  /** HTTP status other than the action's declared one (202 for an order whose payment is not settled). */
  $statusCode?: number
  /** Bytes of the body as they came, and the header that signs them: only for actions that declare `signature`. */
  signed?: { body: string; signature: string }
  $responseHeaders?: Record<string, string>
}

export type Ctx<P = unknown> = Context<P, Meta>

/**
 * How an action is protected. `open`: a dead token counts as none (sign-in, sign-out, webhooks). `anyone`: no token needed, one that is
 * present must be alive. `guest`: user or cart token or nobody. `user`: any signed-in person. A list: one of these roles. Object-level rights are the service's own duty.
 */
export type Auth = 'open' | 'anyone' | 'guest' | 'user' | readonly Role[]

/** Options of a public action: its REST form is `rest`, from which routes and the OpenAPI document are made. */
export interface PublicOptions {
  /** e.g. `POST /cart/lines`, below the base path. */
  rest: string
  auth: Auth
  /** One line for the OpenAPI document. */
  summary: string
  /** Status of a success; 200 unless told. 204 has no body. */
  status?: number
  /** Further success statuses the action may set through `$statusCode`. */
  alternateStatus?: number
  /** `required`: 400 without an Idempotency-Key. `honoured`: recorded when there is one. */
  idempotent?: 'required' | 'honoured'
  /** Problem types this operation may answer with, beyond those every operation has. */
  problems?: readonly string[]
  /**
   * Takes one file as multipart/form-data, its first file part. The gateway has checked size and type (by declared type and magic
   * bytes); the action declares `uploadFields` (mixins/primitives/upload.ts) and reads the bytes with `readUpload(ctx)`.
   */
  upload?: { maxBytes: number; types: readonly string[] }
  /** With `Souk-Session: cookie` the gateway moves the answer's tokens into HttpOnly cookies (`sign-in`), or takes them back (`sign-out`). */
  cookies?: 'sign-in' | 'sign-out'
  /** Name of the header that signs the body, lower-case (a webhook): the gateway passes both in `ctx.meta.signed`. */
  signature?: string
  /** Answer headers of a public read: `max-age` in seconds, ETag always. A hot read may answer `prepared` bytes (mixins/runtime/prepared.ts). */
  cacheSeconds?: number
  /** The answer's field whose value is the ETag (an object's version); otherwise the ETag is a hash of the body. */
  etag?: string
}

interface Implementation<A extends ActionContract, This> {
  /** Runs on the owner of the actor `type`/params[key]: the actor middleware pins the call to that node. */
  actor?: { type: string; key: keyof ParamsOf<A> & string }
  /** Milliseconds after which a caller gives up; the broker's default unless told. */
  timeout?: number
  /** May run twice without harm, so a caller may retry it after a timeout. */
  retrySafe?: boolean
  handler: (this: This, ctx: Ctx<ParamsOf<A>>) => Promise<ResultOf<A>> | ResultOf<A>
}

/**
 * Says of a rule and of all inside it whether null is a value. Left to itself the validator takes null for anything optional, which
 * a client's schema does not say and no handler expects; calls between our own may leave something out by null.
 */
function exact(rule: Rule, lenient: boolean): Rule {
  const inner = (value: unknown): Rule => exact(value as Rule, lenient)
  return {
    ...rule,
    nullable: rule.nullable ?? (lenient && rule.optional === true),
    ...(rule['items'] ? { items: inner(rule['items']) } : {}),
    ...(rule['value'] ? { value: inner(rule['value']) } : {}),
    ...(rule['props'] ? { props: exactFields(rule['props'] as Fields, lenient) } : {})
  }
}

const exactFields = (fields: Fields, lenient: boolean): Fields => Object.fromEntries(Object.entries(fields).map(([name, rule]) => [name, exact(rule, lenient)]))

/** Schemas share their parts; discovery takes what it meets a second time for a circle and leaves it out. So each action has copies of its own. */
const unshared = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

const strict = (params: Fields, lenient: boolean): Record<string, unknown> => unshared({ $$strict: true, ...exactFields(params, lenient) })

/** A worker's action: callable from every node, never published over HTTP. */
export const workerAction = <A extends ActionContract, This = Service>(contract: A, implementation: Implementation<A, This>) => ({
  visibility: 'public' as const,
  params: strict(contract.params, true),
  ...implementation
})

/** A face's action: published over HTTP as its `rest` says. Its metadata travels with discovery, so a gateway on any node can route to it. */
export const publicAction = <A extends ActionContract, This = Service>(contract: A, options: PublicOptions, implementation: Implementation<A, This>['handler']) => ({
  visibility: 'published' as const,
  params: strict(contract.params, false),
  public: unshared({ ...options, returns: contract.returns as Rule }),
  handler: implementation
})

/** The members a handler finds on `this`: Moleculer's service and what its mixins put there. */
export type ServiceThis<Extra = object> = Service & { broker: ServiceBroker } & Extra

/** A service schema as Moleculer takes it. Handlers are typed by their action wrappers, which Moleculer's own generics cannot follow. */
export const service = (schema: { name: string } & Record<string, unknown>): ServiceSchema => schema as unknown as ServiceSchema
