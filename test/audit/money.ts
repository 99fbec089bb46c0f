import { isBalanced } from '../../services/payment/payment.ts'
import { NO_PAYMENTS, paged } from './books.ts'
import type { Invariant } from './invariant.ts'

const captures: Invariant = {
  number: 3,
  name: 'at most one capture per order, of exactly its total, in our books and the provider’s; none is held for nothing',
  look(books, found) {
    const { payments: kept } = books
    if (!kept) return NO_PAYMENTS
    return {
      order({ order, payments, accounts }) {
        const ours = payments.filter((p) => p.captured > 0)
        const theirs = accounts.filter((a) => a.captured > 0)
        found.expect(ours.length <= 1 && theirs.length <= 1, () => `order ${order.id}: captured ${ours.length} times here, ${theirs.length} times at the provider`)
        for (const amount of [...ours.map((p) => p.captured), ...theirs.map((a) => a.captured)]) found.expect(amount === order.totals.total, () => `order ${order.id}: captured ${amount}, total ${order.totals.total}`)
        const held = accounts.filter((a) => a.state === 'authorized' || (a.state === 'captured' && a.refunded < a.captured))
        found.expect(held.length <= 1, () => `order ${order.id}: ${held.length} payments hold money at once`)
        if (!books.isSettled(order)) return
        if (['cancelled', 'payment_failed'].includes(order.status)) found.expect(held.length === 0, () => `order ${order.id} is ${order.status}, but ${held[0]?.key} still holds money`)
        if (ours.length > 0 || order.payment.captured > 0) found.expect(order.payment.captured === (ours[0]?.captured ?? 0), () => `order ${order.id}: shows ${order.payment.captured} captured, its payments ${ours[0]?.captured ?? 0}`)
      },
      /** Money that was taken for no order at all. */
      async finish() {
        const page = (after: string, limit: number): Promise<{ id: string; order_id: string }[]> =>
          kept.query(`SELECT id, doc->>'orderId' AS order_id FROM ${kept.table} WHERE id > $1 AND doc ? 'orderId' AND (doc->>'captured')::float8 > 0 ORDER BY id LIMIT $2`, [after, limit])
        for await (const rows of paged('id', page)) {
          const missing = new Set(await books.missingOrders(rows.map((r) => r.order_id)))
          for (const r of rows) found.expect(!missing.has(r.order_id), () => `payment ${r.id} was captured for order ${r.order_id}, which does not exist`)
        }
      }
    }
  }
}

const refunds: Invariant = {
  number: 7,
  name: 'refunds never exceed captures and happen once, in our books and the provider’s',
  look(books, found) {
    if (!books.payments) return NO_PAYMENTS
    return {
      order({ order, payments, accounts }) {
        const settled = books.isSettled(order)
        for (const p of payments) {
          const done = p.operations.filter((o) => o.kind === 'refund' && o.status === 'succeeded')
          const sum = done.reduce((n, o) => n + o.amount, 0)
          found.expect(sum === p.refunded && p.refunded <= p.captured, () => `payment ${p.id}: captured ${p.captured}, refunded ${p.refunded}, refund rows ${sum}`)
          const account = accounts.find((a) => a.key === p.id)
          if (!settled || !account || p.operations.some((o) => o.status === 'unknown')) continue
          found.expect(account.refunded === p.refunded && account.captured === p.captured, () => `payment ${p.id}: ${p.captured}/${p.refunded} here, ${account.captured}/${account.refunded} at the provider`)
        }
        const shown = order.refunds.filter((r) => r.status === 'succeeded').reduce((n, r) => n + r.amount, 0)
        found.expect(order.payment.refunded === shown, () => `order ${order.id}: shows ${order.payment.refunded} refunded, its refunds add up to ${shown}`)
        const paid = payments.reduce((n, p) => n + p.refunded, 0)
        if (settled && !order.refunds.some((r) => r.status === 'pending')) found.expect(paid === shown, () => `order ${order.id}: its refunds add up to ${shown}, its payments gave back ${paid}`)
      }
    }
  }
}

const conserved: Invariant = {
  number: 8,
  name: 'money is conserved: captures − refunds = sellers + fees + held, in every payment and so in all',
  look(books, found) {
    if (!books.payments) return NO_PAYMENTS
    const sums = { captured: 0, refunded: 0, accounts: 0 }
    return {
      order({ payments }) {
        for (const p of payments) {
          const accounts = p.ledger.reduce((n, e) => n + e.amount, 0)
          found.expect(isBalanced(p), () => `payment ${p.id}: captured ${p.captured}, refunded ${p.refunded}, ledger ${accounts}`)
          sums.captured += p.captured
          sums.refunded += p.refunded
          sums.accounts += accounts
        }
      },
      async finish() {
        found.expect(sums.captured - sums.refunded === sums.accounts, () => `in all: captured ${sums.captured}, refunded ${sums.refunded}, accounts ${sums.accounts}`)
      }
    }
  }
}

type CouponRow = { code: string; uses: number; uses_total: number | null; uses_per_buyer: number | null; counted: number; most: number }

const COUPONS = `SELECT c.code, c.uses, c.uses_total, c.uses_per_buyer, coalesce(sum(b.n), 0)::int AS counted, coalesce(max(b.n), 0)::int AS most
  FROM pricing.coupon c LEFT JOIN (SELECT code, buyer_id, count(*) AS n FROM pricing.coupon_use WHERE n IS NOT NULL GROUP BY code, buyer_id) b ON b.code = c.code GROUP BY c.code`

const coupons: Invariant = {
  number: 10,
  name: 'coupon limits hold, and every discounted order has its use',
  look(books, found) {
    return {
      order({ order, couponUses }) {
        if (order.coupon === null || !books.isSettled(order) || order.phase === 'placing' || order.phase === 'refusing') return
        const used = couponUses.some((u) => u.standing)
        found.expect(used === (order.status !== 'cancelled'), () => `order ${order.id} is ${order.status}, and its use of ${order.coupon} is ${used ? 'there' : 'missing'}`)
      },
      async finish() {
        for (const r of await books.of('pricing')<CouponRow>(COUPONS)) {
          found.expect(r.uses === r.counted, () => `coupon ${r.code}: counts ${r.uses} uses, has ${r.counted}`)
          found.expect(r.uses_total === null || r.counted <= r.uses_total, () => `coupon ${r.code}: ${r.counted} uses of ${r.uses_total}`)
          found.expect(r.uses_per_buyer === null || r.most <= r.uses_per_buyer, () => `coupon ${r.code}: one buyer used it ${r.most} times, ${r.uses_per_buyer} allowed`)
        }
      }
    }
  }
}

export const money: Invariant[] = [captures, refunds, conserved, coupons]
