import { actors } from '../../mixins/actor/actors.ts'
import { shardedPostgresStores } from '../../mixins/actor/stores.ts'
import { consumer } from '../../mixins/events/consumer.ts'
import type { EventRecord } from '../../mixins/events/port.ts'
import { sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { decodeCursor, PAGE_LIMIT, pageOf } from '../../mixins/primitives/page.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call, type Events, type ParamsOf } from '../../mixins/runtime/calls.ts'
import { service, workerAction, type Ctx } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import { advance } from './advance.ts'
import { answer, answered, answeredOrBegun } from './answers.ts'
import { cancelOrder, startCancel } from './cancel.ts'
import { FollowUps } from './follow-ups.ts'
import { orderActions } from './order.contract.ts'
import { isAccepted, type OrderState, type OrderView } from './order.ts'
import { databaseIndexOfOrder, OrderStore } from './order.store.ts'
import { orderView } from './order-view.ts'
import { parcelMoved } from './parcels.ts'
import { create, settle, startAttempt } from './place.ts'
import { newOrder, priceCart, quoteView, type Basket, type QuoteRequest } from './quote.ts'
import { refundView, runRefunds, startRefund, startReturn, type RefundView } from './refunds.ts'
import { alarmOf, parcelEvents, TIMINGS } from './saga.ts'
import { SagaRuns } from './saga-runs.ts'
import { openSaga, type SagaHost } from './saga-turns.ts'

type OrderWorker = SagaHost & { runs: SagaRuns; followUps: FollowUps }
type PlaceCtx = Ctx<ParamsOf<(typeof orderActions)['order.worker.place']>>

const notFound = (): Error => problem('not-found', 'There is no such order.')
const needsConfirmation = (): Error => problem('identity-confirmation-required', 'Confirm your identity first: POST /auth/confirm, then send its confirmation.')

/** An accepted order; one that is still being placed, or was refused, is none yet. */
async function acceptedOrder(worker: OrderWorker, orderId: string, buyerId: string | null): Promise<OrderState> {
  const row = await worker.store.read(orderId)
  if (!row || !isAccepted(row.state) || (buyerId !== null && row.state.buyerId !== buyerId)) throw notFound()
  return row.state
}

/** Prices the cart. If that fails because an equal request has taken it meanwhile, the answer is that request's. */
async function priceOrReplay(worker: OrderWorker, ctx: Ctx, request: QuoteRequest & { orderId: string }): Promise<{ basket: Basket } | { answer: OrderView }> {
  try {
    return { basket: await priceCart(ctx, request) }
  } catch (error) {
    const first = await answered<OrderView>(worker.store, ctx, request.orderId)
    if (first) return first
    throw error
  }
}

/** The order that a request is to place, committed with its claim; or the request's first answer. */
async function claimOrder(worker: OrderWorker, ctx: PlaceCtx): Promise<{ order: OrderState } | { answer: unknown }> {
  const { expectedTotal, confirmation } = ctx.params
  const priced = await priceOrReplay(worker, ctx, ctx.params)
  if ('answer' in priced) return priced
  const quote = quoteView(priced.basket)
  if (expectedTotal && (expectedTotal.amount !== quote.total.amount || expectedTotal.currency !== quote.total.currency)) {
    throw problem('price-changed', 'The total is not what you expected: look at the quote and order again.', { quote })
  }
  if (confirmation === undefined) throw needsConfirmation()
  return create(openSaga(worker, ctx), newOrder(priced.basket, { ...ctx.params, operationId: ctx.meta.operation?.id ?? null }))
}

/** Runs an attempt to its answer; whoever wants this saga resumed meanwhile leaves it to this request. */
const attempt = (worker: OrderWorker, ctx: Ctx, order: OrderState, ok: (says: 201 | 202) => number): Promise<OrderView> =>
  worker.runs
    .during(order.id, () => settle(openSaga(worker, ctx), order))
    .then((outcome) => {
      if (outcome.order) worker.followUps.add(order.id)
      const { says } = outcome
      return answer(worker.store, ctx, order.id, typeof says === 'number' ? ok(says) : says, () => orderView(outcome.order!))
    })

/** Takes the order's saga as far as it goes. */
const resume = (worker: OrderWorker, ctx: Ctx, orderId: string): Promise<unknown> =>
  worker.runs.resume(orderId, async () => {
    const row = await worker.store.read(orderId)
    if (row) await advance(openSaga(worker, ctx), row.state)
  })

/**
 * Orders: the checkout saga and everything after it, one actor per order in the buyer's shard. Keeps: one order per
 * Idempotency-Key; nothing is captured or shipped for an order that is not confirmed; whatever a crash leaves half done is
 * finished by the order's own alarm.
 */
export default service({
  name: 'order.worker',
  settings: TIMINGS,
  mixins: [
    periodic<OrderWorker>('order sweep', 3_600_000, async function () {
      for (const db of this.store.databases) await sweepIdempotency(db)
      return this.store.sweepRefused()
    }),
    actors<OrderState, OrderWorker>({
      type: 'order',
      stores: shardedPostgresStores('orders', () => setting('ORDERS_DATABASE_URLS'), databaseIndexOfOrder),
      async onReminder(ctx, orderId) {
        await call(ctx, 'order.worker.resume', { orderId })
        // This alarm has rung: what still waits for something gets another one.
        await openSaga(this, ctx).turn(orderId, (known) => (known && alarmOf(known, this.settings) !== null ? { order: known } : null))
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
    })
  ],
  dependencies: ['cart.worker', 'product.worker', 'pricing.worker', 'inventory.worker', 'auth.worker', 'payment.worker', 'logistics.worker'],

  actions: {
    quote: workerAction(orderActions['order.worker.quote'], {
      retrySafe: true,
      async handler(ctx) {
        return quoteView(await priceCart(ctx, ctx.params))
      }
    }),

    place: workerAction(orderActions['order.worker.place'], {
      actor: { type: 'order', key: 'orderId' },
      retrySafe: true,
      async handler(this: OrderWorker, ctx) {
        const { orderId } = ctx.params
        const first = await answeredOrBegun<OrderView>(this.store, ctx, orderId, orderId)
        if (first !== null && first !== 'begun') return first.answer
        const begun = first === 'begun' ? await this.store.read(orderId) : null
        const claimed = begun ? { order: begun.state } : await claimOrder(this, ctx)
        return 'answer' in claimed ? (claimed.answer as OrderView) : attempt(this, ctx, claimed.order, (says) => says)
      }
    }),

    list: workerAction(orderActions['order.worker.list'], {
      retrySafe: true,
      async handler(this: OrderWorker, ctx) {
        const { buyerId, limit = PAGE_LIMIT.default, cursor } = ctx.params
        const before = decodeCursor(cursor, 1)
        const orders = await this.store.ofBuyer(buyerId, before === null ? null : String(before[0]), limit + 1)
        return pageOf(orders, limit, orderView, (o) => [o.id])
      }
    }),

    get: workerAction(orderActions['order.worker.get'], {
      retrySafe: true,
      async handler(this: OrderWorker, ctx) {
        return orderView(await acceptedOrder(this, ctx.params.orderId, ctx.params.buyerId))
      }
    }),

    pay: workerAction(orderActions['order.worker.pay'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const { orderId, confirmation, ...pay } = ctx.params
        await acceptedOrder(this, orderId, pay.buyerId)
        const first = await answered<OrderView>(this.store, ctx, orderId)
        if (first) return first.answer
        if (confirmation === undefined) throw needsConfirmation()
        const claimed = await startAttempt(openSaga(this, ctx), orderId, newId(), { ...pay, confirmation, operationId: ctx.meta.operation?.id ?? null })
        return 'answer' in claimed ? (claimed.answer as OrderView) : attempt(this, ctx, claimed.order, (says) => (says === 202 ? 202 : 200))
      }
    }),

    cancel: workerAction(orderActions['order.worker.cancel'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const { orderId, buyerId, reason = 'cancelled by the buyer' } = ctx.params
        const first = await answered<OrderView>(this.store, ctx, orderId)
        if (first) return first.answer
        const saga = openSaga(this, ctx)
        const claimed = await startCancel(saga, orderId, newId(), { buyerId, reason, operationId: ctx.meta.operation?.id ?? null })
        if ('answer' in claimed) return claimed.answer as OrderView
        const { order, status, refusal } = await cancelOrder(saga, claimed.order)
        if (refusal) this.followUps.add(orderId)
        return answer(this.store, ctx, orderId, refusal ?? status, () => orderView(order!))
      }
    }),

    return: workerAction(orderActions['order.worker.return'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const first = await answered<OrderView>(this.store, ctx, ctx.params.orderId)
        if (first) return first.answer
        const saga = openSaga(this, ctx)
        const claimed = await startReturn(saga, newId(), ctx.params, ctx.meta.operation?.id ?? null)
        return 'answer' in claimed ? (claimed.answer as OrderView) : orderView(await runRefunds(saga, claimed.order))
      }
    }),

    refund: workerAction(orderActions['order.worker.refund'], {
      actor: { type: 'order', key: 'orderId' },
      async handler(this: OrderWorker, ctx) {
        const { orderId } = ctx.params
        await acceptedOrder(this, orderId, null)
        const first = await answered<RefundView>(this.store, ctx, orderId)
        if (first) return first.answer
        const saga = openSaga(this, ctx)
        const refundId = newId()
        const claimed = await startRefund(saga, refundId, ctx.params, ctx.meta.operation?.id ?? null)
        if ('answer' in claimed) return claimed.answer as RefundView
        const order = await runRefunds(saga, claimed.order)
        const refund = order.refunds.find((r) => r.id === refundId)!
        return answer(this.store, ctx, orderId, refund.status === 'declined' ? null : 201, () => refundView(order, refund))
      }
    }),

    resume: workerAction(orderActions['order.worker.resume'], {
      actor: { type: 'order', key: 'orderId' },
      timeout: 30_000,
      retrySafe: true,
      async handler(this: OrderWorker, ctx) {
        await resume(this, ctx, ctx.params.orderId)
        return null
      }
    }),

    shipment: workerAction(orderActions['order.worker.shipment'], {
      actor: { type: 'order', key: 'orderId' },
      retrySafe: true,
      async handler(this: OrderWorker, ctx) {
        const { orderId, subOrderId, shipmentId, trackingNumber, carrier, status, at, number } = ctx.params
        const { order, changed } = await openSaga(this, ctx).turn(orderId, (known) => {
          const moved = known && parcelMoved(known, subOrderId, { id: shipmentId, trackingNumber, carrier, status, number }, at)
          return moved && { order: moved, events: parcelEvents(known, moved) }
        })
        if (changed && order?.refunds.some((r) => r.status === 'pending')) this.followUps.add(orderId)
        return null
      }
    }),

    saga: workerAction(orderActions['order.worker.saga'], {
      retrySafe: true,
      async handler(this: OrderWorker, ctx) {
        const row = await this.store.read(ctx.params.orderId)
        if (!row) throw notFound()
        return { version: row.version, ...row.state, confirmation: row.state.confirmation === null ? null : '(held)' }
      }
    }),

    scan: workerAction(orderActions['order.worker.scan'], {
      retrySafe: true,
      async handler(this: OrderWorker, ctx) {
        const { database, after = '', limit } = ctx.params
        const items = await this.store.scan(database, after, limit)
        return { items: items.map((o) => ({ ...o, confirmation: null })) }
      }
    })
  },

  created(this: OrderWorker) {
    this.store = new OrderStore()
    this.runs = new SagaRuns()
    this.followUps = new FollowUps((orderId) => {
      call(this.broker, 'order.worker.resume', { orderId }).catch((error: unknown) => this.logger.warn(`order ${orderId} will be taken up again by its alarm`, error))
    })
  },

  async stopped(this: OrderWorker) {
    this.followUps.stop()
    await this.runs.idle()
    await this.store.close()
  }
})
