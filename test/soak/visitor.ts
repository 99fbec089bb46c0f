import { randomUUID } from 'node:crypto'
import type { HttpAnswer } from '../bench/load/http-client.ts'
import { PASSWORD, type Person } from '../bench/people.ts'
import type { Ask, Client } from './client.ts'

type Json = Record<string, unknown>

interface SignIn {
  accessToken: string
  refreshToken: string
}

const json = <T = Json>(answer: HttpAnswer): T => answer.json() as T

const ADDRESS = { name: 'Ada Soak', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' }

/** Somebody with an account, who signs in again when their token has grown old. */
export class Visitor {
  readonly #client: Client
  readonly #email: string
  readonly #password: string
  readonly #code: (() => string) | null
  readonly #cards = new Map<string, string>()
  #authorization: string
  #refreshToken: string | null
  #signingIn: Promise<void> | null = null
  readonly addressId: string

  private constructor(client: Client, who: { email: string; password: string; authorization: string; addressId: string; code?: () => string; refreshToken?: string }) {
    this.#client = client
    this.#email = who.email
    this.#password = who.password
    this.#code = who.code ?? null
    this.#authorization = who.authorization
    this.#refreshToken = who.refreshToken ?? null
    this.addressId = who.addressId
  }

  static of(client: Client, person: Person): Visitor {
    return new Visitor(client, { ...person, password: PASSWORD })
  }

  /** With an account that the shop has, e.g. one of the demo's. */
  static async signedIn(client: Client, email: string, password: string): Promise<Visitor> {
    const visitor = new Visitor(client, { email, password, authorization: '', addressId: '' })
    await visitor.#signIn()
    return visitor
  }

  /** Somebody new. */
  static async registered(client: Client): Promise<Visitor> {
    const email = `soak-${randomUUID()}@souk.example`
    const answer = await client.ask({ kind: 'register', method: 'POST', path: '/auth/register', body: { email, password: PASSWORD, name: 'Ada Soak' } })
    if (answer.status === 409) return Visitor.signedIn(client, email, PASSWORD) // the answer to an earlier try was lost
    const { accessToken, refreshToken } = json<SignIn>(answer)
    const authorization = `Bearer ${accessToken}`
    const { id } = json(await client.ask({ kind: 'address', method: 'POST', path: '/me/addresses', headers: { authorization }, body: ADDRESS }))
    return new Visitor(client, { email, password: PASSWORD, authorization, refreshToken, addressId: String(id) })
  }

  /** Asks as this person; once more with a new token when the old one is none any more. */
  async ask(request: Ask): Promise<HttpAnswer> {
    const send = (): Promise<HttpAnswer> => this.#client.ask({ ...request, headers: { ...request.headers, authorization: this.#authorization } })
    const used = this.#authorization
    const answer = await send()
    if (answer.status !== 401) return answer
    if (used === this.#authorization) await this.#signIn() // unless somebody did meanwhile
    return send()
  }

  /** A proof of who they are: the authenticator's code where there is one that was not used yet, else the password. */
  async confirm(): Promise<string> {
    const ask = (method: string, secret: string): Promise<HttpAnswer> => this.ask({ kind: `confirm, ${method}`, method: 'POST', path: '/auth/confirm', body: { method, secret, purpose: 'checkout' } })
    const byCode = this.#code ? await ask('totp', this.#code()) : null
    const answer = byCode?.status === 200 ? byCode : await ask('password', this.#password)
    return String(json(answer)['confirmation'])
  }

  /** The id of their card with this token of the provider. */
  async card(token: string): Promise<string> {
    const known = this.#cards.get(token)
    if (known) return known
    const { id } = json(await this.ask({ kind: 'card', method: 'POST', path: '/payment-methods', body: { token, label: 'Soak card' } }))
    this.#cards.set(token, String(id))
    return String(id)
  }

  /** One at a time: a refresh token is used once. */
  #signIn(): Promise<void> {
    return (this.#signingIn ??= this.#signInNow().finally(() => (this.#signingIn = null)))
  }

  async #signInNow(): Promise<void> {
    const refreshed = this.#refreshToken === null ? null : await this.#client.ask({ kind: 'refresh', method: 'POST', path: '/auth/refresh', body: { refreshToken: this.#refreshToken } })
    const answer = refreshed?.status === 200 ? refreshed : await this.#client.ask({ kind: 'login', method: 'POST', path: '/auth/login', body: { email: this.#email, password: this.#password } })
    if (answer.status !== 200) throw new Error(`${this.#email} cannot sign in: ${answer.status}`)
    const { accessToken, refreshToken } = json<SignIn>(answer)
    this.#authorization = `Bearer ${accessToken}`
    this.#refreshToken = refreshToken
  }
}
