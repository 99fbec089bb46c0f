import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

/** One answer of the API. */
export interface Answer {
  status: number
  /** What the contract says of the path: tests know what they asked for. */
  body: Record<string, unknown>
  headers: Headers
}

/** A client of the REST API with its own account, as a careful program would be: it repeats with the same key what it got no answer to. */
export class Shopper {
  readonly #base: string
  token: string | null = null
  #addressId = ''
  readonly #methods = new Map<string, string>()
  readonly password = 'correct horse battery 7'

  constructor(url: string) {
    this.#base = `${url}/api/v1`
  }

  /** One request, once; rejects when no answer comes. */
  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#base + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(this.token ? { authorization: `Bearer ${this.token}` } : {}), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000)
    })
    const text = await response.text()
    return { status: response.status, body: (text ? JSON.parse(text) : null) as Answer['body'], headers: response.headers }
  }

  /** Repeats until there is a final answer: lost connections, 429, 5xx and "still running" are not. */
  async insist(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, giveUpMs = 60_000): Promise<Answer> {
    const deadline = Date.now() + giveUpMs
    for (;;) {
      const answer = await this.send(method, path, body, headers).catch(() => null)
      if (answer && answer.status < 500 && answer.status !== 429 && !String(answer.body?.['type']).endsWith('in-progress')) return answer
      if (Date.now() > deadline) throw new Error(`${method} ${path}: no final answer within ${giveUpMs} ms, last ${answer?.status ?? 'none'} ${JSON.stringify(answer?.body ?? null)}`)
      await sleep(100 + Math.random() * 200)
    }
  }

  async register(): Promise<void> {
    const { status, body } = await this.insist('POST', '/auth/register', { email: `buyer-${randomUUID()}@souk.example`, password: this.password, name: 'Ada Buyer' })
    if (status !== 201) throw new Error(`register: ${status}`)
    this.token = String(body['accessToken'])
    this.#addressId = String((await this.insist('POST', '/me/addresses', { name: 'Ada Buyer', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' })).body['id'])
  }

  add(offerId: string, quantity = 1): Promise<Answer> {
    return this.insist('POST', '/cart/lines', { offerId, quantity }, { 'idempotency-key': randomUUID() })
  }

  /** A fresh proof of identity. */
  async confirm(purpose: 'checkout' | 'payment' = 'checkout'): Promise<string> {
    return String((await this.insist('POST', '/auth/confirm', { method: 'password', secret: this.password, purpose })).body['confirmation'])
  }

  async method(token: string): Promise<string> {
    if (!this.#methods.has(token)) this.#methods.set(token, String((await this.insist('POST', '/payment-methods', { token, label: 'Demo card' })).body['id']))
    return this.#methods.get(token)!
  }

  /** Places the cart, and insists on an answer with the same key. */
  async checkout({ token = 'tok_demo_ok', key = randomUUID() as string, coupon = undefined as string | undefined } = {}): Promise<Answer> {
    const body = { addressId: this.#addressId, shippingMethod: 'standard', paymentMethodId: await this.method(token), confirmation: await this.confirm(), ...(coupon ? { coupon } : {}) }
    return this.insist('POST', '/orders', body, { 'idempotency-key': key })
  }

  cancel(orderId: string): Promise<Answer> {
    return this.insist('POST', `/orders/${orderId}/cancel`, {}, { 'idempotency-key': randomUUID() })
  }
}
