import { actors, type Actors } from '../../mixins/actor/actors.ts'
import { shardedPostgresStores } from '../../mixins/actor/stores.ts'
import { consumer } from '../../mixins/events/consumer.ts'
import type { EventRecord } from '../../mixins/events/port.ts'
import { replay, sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { decodeCursor, PAGE_LIMIT, pageOf } from '../../mixins/primitives/page.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call, type Events } from '../../mixins/runtime/calls.ts'
import { service, workerAction, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import { advance } from './advance.ts'
import { cancelOrder, startCancel } from './cancel.ts'
import { orderActions } from './order.contract.ts'
import { orderView, shipmentMoved, type OrderState } from './order.ts'
import { databaseIndexOfOrder, OrderStore } from './order.store.ts'
import { create, settle, startAttempt } from './place.ts'
import { newOrder, priceCart, quoteView, type Basket, type QuoteRequest } from './quote.ts'
import { refundAnswer, runRefunds, startRefund, startReturn } from './refunds.ts'
import { parcelTurn, type Saga } from './saga.ts'

type OrderWorker = ServiceThis<{ actors: Actors<OrderState>; store: OrderStore; running: Map<string, Promise<void>> }>

/** What a saga's steps work with, for the length of one call. */
const sagaOf = (worker: OrderWorker, ctx: Ctx): Saga => ({
  source: ctx,
  store: worker.store,
  log: worker.logger,
  turn: (orderId, decide, claim) => worker.actors.turn(ctx, orderId, decide, { record: claim === 'claim' })
})

/** Goes on with an order behind the answer that was just given; the order's alarm does it if this thread dies first. */
const follow = (worker: OrderWorker, orderId: string): void => {
  call(worker.broker, 'order.worker.resume', { orderId }).catch((error: unknown) => worker.logger.warn(`order ${orderId} will be taken up again by its alarm`, error))
}

const notFound = (): Error => problem('not-found', 'There is no such order.')

/** An accepted order; one that is still being placed, or was refused, is none yet. */
async function acceptedOrder(worker: OrderWorker, orderId: string, buyerId: string | null): Promise<OrderState> {
  const row = await worker.store.read(orderId)
  if (!row || isBeingPlaced(row.state) || (buyerId !== null && row.state.buyerId !== buyerId)) throw notFound()
  return row.state
}

const isBeingPlaced = (order: OrderState): boolean => order.phase === 'placing' && order.attempt === 1

/** The answer of a request whose Idempotency-Key is known already: before anything else, since its cart is empty and its proof spent by now. */
async function answered<T>(worker: OrderWorker, ctx: Ctx, buyerId: string): Promise<{ answer: T } | null> {
  const { operation } = ctx.meta
  const first = operation && (await worker.store.record(buyerId, operation.id))
  return first ? { answer: replay<T>(ctx, operation, first) } : null
}

/** Prices the cart. If that fails because an equal request has taken it meanwhile, the answer is that request's. */
async function priceOrReplay<T>(worker: OrderWorker, ctx: Ctx, request: QuoteRequest): Promise<{ basket: Basket } | { answer: T }> {
  try {
    return { basket: await priceCart(ctx, request) }
  } catch (error) {
    const first = await answered<T>(worker, ctx, request.buyerId)
    if (first) return first
    throw error
  }
}

const needsConfirmation = (): Error => problem('identity-confirmation-required', 'Confirm your identity first: POST /auth/confirm, then send its confirmation.')

/**
 * Orders: the checkout saga and everything after it, one actor per order in the buyer's shard. Keeps: one order per
 * Idempotency-Key; nothing is captured or shipped for an order that is not confirmed; whatever a crash leaves half done is
 * finished by the order's own alarm.
 */
export default service({
  name: 'order.worker',
  mixins: [
    actors<OrderState, OrderWorker>({
      type: 'order',
      stores: shardedPostgresStores('orders', () => setting('ORDERS_DATABASE_URLS'), databaseIndexOfOrder),
      async onReminder(ctx, orderId) {
        await call(ctx, 'order.worker.resume', { orderId })
      }
    }),
    consumer({
      group: 'order',
      topics: {
        async shipment_updated(this: OrderWorker, batch: readonly EventRecord<Events['shipment_updated']>[]) {
          await Promise.all(
            batch.map(({ number, body: { orderId, subOrderId, shipmentId, trackingNumber, carrier, status, at } }) =>
              call(this.broker, 'order.worker.shipment', { orderId, subOrderId, shipmentId, trackingNumber, carrier, status, at, number })
            )
          )
        }
      }
    }),
    periodic<OrderWorker>('sweep idempotency keys', 3_600_000, async function () {
      for (const db of this.store.databases) await sweepIdempotency(db)
    })
  ],
  dependencies: ['cart.worker', 'product.worker', 'pricing.worker', 'inventory.worker', 'auth.worker', 'payment.worker', 'logistics.worker'],

  actions: {
    quote: workerAction(orderActions['order.worker.quote'], {
      async handler(ctx) {
        return quoteView(await priceCart(ctx, ctx.params))
      }
    }),

    place: workerAction(orderActions['order.worker.place'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const { buyerId, expectedTotal, confirmation } = ctx.params
        const first = await answered<ReturnType<typeof orderView>>(this, ctx, buyerId)
        if (first) return first.answer
        const priced = await priceOrReplay<ReturnType<typeof orderView>>(this, ctx, ctx.params)
        if ('answer' in priced) return priced.answer
        const quote = quoteView(priced.basket)
        if (expectedTotal && (expectedTotal.amount !== quote.total.amount || expectedTotal.currency !== quote.total.currency)) {
          throw problem('price-changed', 'The total is not what you expected: look at the quote and order again.', { quote })
        }
        if (confirmation === undefined) throw needsConfirmation()
        const saga = sagaOf(this, ctx)
        const order = newOrder(priced.basket, { ...ctx.params, operationId: ctx.meta.operation?.id ?? null })
        await create(saga, order)
        const answer = await settle(saga, order)
        ctx.meta.$statusCode = answer.status
        follow(this, order.id)
        return orderView(answer.order)
      }
    }),

    list: workerAction(orderActions['order.worker.list'], {
      async handler(this: OrderWorker, ctx) {
        const { buyerId, limit = PAGE_LIMIT.default, cursor } = ctx.params
        const before = decodeCursor(cursor, 1)
        const orders = await this.store.ofBuyer(buyerId, before === null ? null : String(before[0]), limit + 1)
        return pageOf(orders, limit, orderView, (o) => [o.id])
      }
    }),

    get: workerAction(orderActions['order.worker.get'], {
      async handler(this: OrderWorker, ctx) {
        return orderView(await acceptedOrder(this, ctx.params.orderId, ctx.params.buyerId))
      }
    }),

    pay: workerAction(orderActions['order.worker.pay'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const { orderId, confirmation, ...pay } = ctx.params
        const first = await answered<ReturnType<typeof orderView>>(this, ctx, pay.buyerId)
        if (first) return first.answer
        const saga = sagaOf(this, ctx)
        await acceptedOrder(this, orderId, pay.buyerId)
        if (confirmation === undefined) throw needsConfirmation()
        const order = await startAttempt(saga, orderId, { ...pay, confirmation, operationId: ctx.meta.operation?.id ?? null })
        const answer = await settle(saga, order)
        ctx.meta.$statusCode = answer.status === 202 ? 202 : 200
        follow(this, orderId)
        return orderView(answer.order)
      }
    }),

    cancel: workerAction(orderActions['order.worker.cancel'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const { orderId, buyerId, reason = 'cancelled by the buyer' } = ctx.params
        const first = await answered<ReturnType<typeof orderView>>(this, ctx, buyerId)
        if (first) return first.answer
        const saga = sagaOf(this, ctx)
        const order = await startCancel(saga, orderId, buyerId, reason, ctx.meta.operation?.id ?? null)
        const { status, order: cancelled } = await cancelOrder(saga, order)
        ctx.meta.$statusCode = status
        return orderView(cancelled)
      }
    }),

    return: workerAction(orderActions['order.worker.return'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const first = await answered<ReturnType<typeof orderView>>(this, ctx, ctx.params.buyerId)
        if (first) return first.answer
        const saga = sagaOf(this, ctx)
        const { order } = await startReturn(saga, ctx.params, ctx.meta.operation?.id ?? null)
        return orderView(await runRefunds(saga, order))
      }
    }),

    refund: workerAction(orderActions['order.worker.refund'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const { buyerId } = await acceptedOrder(this, ctx.params.orderId, null)
        const first = await answered<ReturnType<typeof refundAnswer>>(this, ctx, buyerId)
        if (first) return first.answer
        const saga = sagaOf(this, ctx)
        const { order, refundId } = await startRefund(saga, ctx.params, ctx.meta.operation?.id ?? null)
        return refundAnswer(await runRefunds(saga, order), refundId)
      }
    }),

    resume: workerAction(orderActions['order.worker.resume'], {
      actor: { type: 'order', key: 'orderId' },
      timeout: 30_000,
      async handler(this: OrderWorker, ctx) {
        const { orderId } = ctx.params
        const running = this.running.get(orderId) ?? resume(this, ctx, orderId)
        this.running.set(orderId, running)
        await running.finally(() => this.running.delete(orderId))
        return null
      }
    }),

    shipment: workerAction(orderActions['order.worker.shipment'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const { orderId, subOrderId, shipmentId, trackingNumber, carrier, status, at, number } = ctx.params
        const lost = await this.actors.turn(ctx, orderId, (known) => {
          const moved = known && shipmentMoved(known, subOrderId, { id: shipmentId, trackingNumber, carrier, status, number }, at)
          return moved ? parcelTurn(known, moved, subOrderId, status) : { state: known, answer: false }
        })
        if (lost) follow(this, orderId)
        return null
      }
    }),

    saga: workerAction(orderActions['order.worker.saga'], {
      async handler(this: OrderWorker, ctx) {
        const row = await this.store.read(ctx.params.orderId)
        if (!row) throw notFound()
        return { version: row.version, ...row.state, confirmation: row.state.confirmation === null ? null : '(held)' }
      }
    }),

    scan: workerAction(orderActions['order.worker.scan'], {
      async handler(this: OrderWorker, ctx) {
        const { database, after = '', limit } = ctx.params
        const items = await this.store.scan(database, after, limit)
        return { items: items.map((o) => ({ ...o, confirmation: null })) }
      }
    })
  },

  created(this: OrderWorker) {
    this.store = new OrderStore()
    this.running = new Map()
  },

  async stopped(this: OrderWorker) {
    await Promise.allSettled(this.running.values())
    await this.store.close()
  }
})

async function resume(worker: OrderWorker, ctx: Ctx, orderId: string): Promise<void> {
  const row = await worker.store.read(orderId)
  if (row) await advance(sagaOf(worker, ctx), row.state)
}
