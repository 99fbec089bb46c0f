import { change } from '../../mixins/documents/change.ts'
import type { DocumentStore } from '../../mixins/documents/port.ts'
import { KEPT_HOURS, replay } from '../../mixins/idempotency/idempotency.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { encodeCursor, decodeCursor, PAGE_LIMIT, type Page } from '../../mixins/primitives/page.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import type { Ctx } from '../../mixins/runtime/service.ts'
import type { PaymentMethod } from './payment.contract.ts'
import type { Method } from './payment.store.ts'

/** How the provider's tokens look. Anything else may be a card number or a secret, and is not stored. */
const TOKEN = /^tok_\w{1,100}$/

const viewOf = ({ id, label, createdAt }: Method): PaymentMethod => ({ id, label, createdAt })
const noMethod = (): Error => problem('not-found', 'There is no such payment method.')

/** People's payment methods: tokens of the provider, shown to nobody once stored. */
export class Methods {
  readonly #store: DocumentStore<Method>

  constructor(store: DocumentStore<Method>) {
    this.#store = store
  }

  /** Stores a token without asking the provider; once per Idempotency-Key. */
  async add(ctx: Pick<Ctx, 'meta'>, { userId, token, label }: { userId: string; token: string; label: string }): Promise<PaymentMethod> {
    if (!TOKEN.test(token)) throw invalidField('token', 'token', 'wants a token of the payment provider, which begins with tok_')
    const { operation } = ctx.meta
    const method: Method = {
      id: newId(),
      version: 0,
      userId,
      wallet: userId,
      token,
      label,
      createdAt: new Date().toISOString(),
      ...(operation ? { operationId: operation.id, bodyHash: operation.bodyHash } : {})
    }
    if ((await this.#store.insert(method)) === 'done') return viewOf(method)
    const [first] = operation ? await this.#store.find({ operationId: operation.id }, { limit: 1 }) : []
    if (!operation || !first) throw new Error(`payment method ${method.id} is taken`)
    if (Date.now() - Date.parse(first.createdAt) > KEPT_HOURS * 3_600_000) {
      await change(this.#store, first.id, ({ operationId: _o, bodyHash: _b, ...rest }) => rest) // the key is free again
      return this.add(ctx, { userId, token, label })
    }
    return replay(ctx, operation, { body_hash: first.bodyHash ?? '', status: 201, answer: viewOf(first) })
  }

  /** Newest first. */
  async list(userId: string, limit: number = PAGE_LIMIT.default, cursor?: string): Promise<Page<PaymentMethod>> {
    const position = decodeCursor(cursor, 1)
    const after = position ? String(position[0]) : undefined
    const found = await this.#store.find({ wallet: userId }, { after, limit: limit + 1, descending: true })
    const shown = found.slice(0, limit)
    return { items: shown.map(viewOf), nextCursor: found.length > limit ? encodeCursor([shown.at(-1)!.id]) : null }
  }

  /** Takes a method out of use; payments under way go on. `not-found` unless it is the person's. */
  async remove(userId: string, methodId: string): Promise<void> {
    await this.own(userId, methodId)
    await change(this.#store, methodId, ({ wallet: _, ...rest }) => rest)
  }

  /** The person's own method that is in use, token included; `not-found` otherwise. */
  async own(userId: string, methodId: string): Promise<Method> {
    const method = await this.#store.get(methodId)
    if (method?.wallet !== userId) throw noMethod()
    return method
  }

  async view(userId: string, methodId: string): Promise<PaymentMethod> {
    return viewOf(await this.own(userId, methodId))
  }
}
