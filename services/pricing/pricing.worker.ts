import { Batcher } from '../../mixins/batch/batcher.ts'
import { idempotently, sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { decodeCursor, PAGE_LIMIT, pageOf } from '../../mixins/primitives/page.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { decideTakes, type Take, type TakeOutcome } from './coupon-takes.ts'
import { pricingActions as contracts } from './pricing.contract.ts'
import { findCoupons, findUses, insertCoupon, insertUses, listCoupons, lockCoupons, undoUse } from './pricing.store.ts'
import { couponProblem, limitRefusal, normalizeCode, quote, subtotalOf, worthRefusal, type Coupon } from './pricing.ts'

type FoundCoupon = Awaited<ReturnType<typeof findCoupons>>[number]

type PricingWorker = ServiceThis<WithDatabase & {
  lookups: Batcher<{ code: string; buyerId: string }, FoundCoupon>
  takes: Batcher<Take, TakeOutcome>
}>

const BATCH = { max: 64, inFlight: 2, maxWaiting: 4_000, full: () => problem('overloaded', 'Too many orders are being priced: try again shortly.', { retryAfter: 1 }) }

/** Decides waiting takes under the locks of their coupons, in one transaction. */
async function takeAll(this: PricingWorker, takes: Take[]): Promise<TakeOutcome[]> {
  return this.db.tx(async (tx) => {
    const coupons = await lockCoupons(tx, [...new Set(takes.map((t) => t.code))])
    const uses = await findUses(tx, takes.map((t) => t.orderId), takes)
    const decided = decideTakes(takes, coupons, uses, Date.now())
    const fresh = new Set(decided.uses.map((use) => use.orderId))
    const written = fresh.size > 0 ? await insertUses(tx, decided.uses) : fresh
    return takes.map((take, i) =>
      fresh.has(take.orderId) && !written.has(take.orderId) ? { outcome: 'refused', reason: 'undone' } : decided.outcomes[i]!
    )
  })
}

/**
 * Owns coupons and prices orders. Prices are a pure function of the request and the coupon. A coupon's limits hold whoever writes:
 * its total by a CHECK on its counter, a buyer's by a unique number per use and a CHECK on that number; takes of one coupon are
 * decided under its row's lock, many in one transaction.
 */
export default service({
  name: 'pricing.worker',
  mixins: [
    periodic<PricingWorker>('coupon idempotency sweep', 3_600_000, async function () {
      await sweepIdempotency(this.db)
    }),
    serviceDatabase('pricing')
  ],

  created(this: PricingWorker) {
    this.lookups = new Batcher((wanted) => findCoupons(this.db, wanted), BATCH)
    this.takes = new Batcher(takeAll.bind(this), BATCH)
  },

  actions: {
    quote: workerAction(contracts['pricing.worker.quote'], {
      retrySafe: true,
      async handler(this: PricingWorker, ctx) {
        const { buyerId, lines, address, shippingMethod, prime } = ctx.params
        let coupon: Coupon | null = null
        if (ctx.params.coupon !== undefined) {
          const found = await this.lookups.add({ code: normalizeCode(ctx.params.coupon), buyerId })
          const reason = limitRefusal(found.coupon, { buyerUses: found.buyerUses, now: Date.now() }) ?? worthRefusal(found.coupon!, subtotalOf(lines))
          if (reason) throw couponProblem(reason)
          coupon = found.coupon
        }
        return quote({ lines, destination: address, shippingMethod, prime, coupon })
      }
    }),

    takeCoupon: workerAction(contracts['pricing.worker.takeCoupon'], {
      retrySafe: true,
      handler(this: PricingWorker, ctx) {
        return this.takes.add({ ...ctx.params, code: normalizeCode(ctx.params.code) })
      }
    }),

    undoCoupon: workerAction(contracts['pricing.worker.undoCoupon'], {
      retrySafe: true,
      async handler(this: PricingWorker, ctx) {
        await undoUse(this.db, ctx.params.orderId)
        return { outcome: 'undone' as const }
      }
    }),

    createCoupon: workerAction(contracts['pricing.worker.createCoupon'], {
      async handler(this: PricingWorker, ctx) {
        const { code, percent = null, amount = null, minSubtotal = null, usesPerBuyer = null, usesTotal = null, validUntil = null } = ctx.params
        if ((percent === null) === (amount === null)) throw invalidField('percent', 'percentOrAmount', 'a coupon takes off either a percentage or an amount')
        if (validUntil !== null && Number.isNaN(Date.parse(validUntil))) throw invalidField('validUntil', 'date', 'there is no such day or hour')
        const coupon = { code: normalizeCode(code), percent, amount, minSubtotal, usesPerBuyer, usesTotal, validUntil: validUntil && new Date(validUntil).toISOString() }
        return idempotently(ctx, this.db, 201, async (tx) => {
          const made = await insertCoupon(tx, coupon)
          if (!made) throw problem('conflict', `There is a coupon ${coupon.code} already: take another code.`)
          return made
        })
      }
    }),

    listCoupons: workerAction(contracts['pricing.worker.listCoupons'], {
      retrySafe: true,
      async handler(this: PricingWorker, ctx) {
        const { limit = PAGE_LIMIT.default, cursor } = ctx.params
        const coupons = await listCoupons(this.db, String(decodeCursor(cursor, 1)?.[0] ?? ''), limit + 1)
        return pageOf(coupons, limit, (c) => c, (c) => [c.code])
      }
    })
  }
})
