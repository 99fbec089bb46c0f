import { isBalanced } from '../../services/payment/payment.ts'
import { Findings, type Invariant } from './invariant.ts'

const captures: Invariant = {
  number: 3,
  name: 'at most one capture per order, of exactly its total, in our books and the provider’s',
  async check(books) {
    const found = new Findings()
    for await (const { order, payments, accounts } of books.orderFiles()) {
      const ours = payments.filter((p) => p.captured > 0)
      const theirs = accounts.filter((a) => a.captured > 0)
      found.expect(ours.length <= 1 && theirs.length <= 1, () => `order ${order.id}: captured ${ours.length} times here, ${theirs.length} times at the provider`)
      for (const amount of [...ours.map((p) => p.captured), ...theirs.map((a) => a.captured)]) found.expect(amount === order.totals.total, () => `order ${order.id}: captured ${amount}, total ${order.totals.total}`)
      const held = accounts.filter((a) => a.state === 'authorized' || (a.state === 'captured' && a.refunded < a.captured))
      found.expect(held.length <= 1, () => `order ${order.id}: ${held.length} payments hold money at once`)
      if (books.isSettled(order) && ['cancelled', 'payment_failed'].includes(order.status)) found.expect(held.length === 0, () => `order ${order.id} is ${order.status}, but ${held[0]?.key} still holds money`)
    }
    return found.result
  }
}

const refunds: Invariant = {
  number: 7,
  name: 'refunds never exceed captures and happen once, in our books and the provider’s',
  async check(books) {
    const found = new Findings()
    for await (const { order, payments, accounts } of books.orderFiles()) {
      for (const p of payments) {
        const done = p.operations.filter((o) => o.kind === 'refund' && o.status === 'succeeded')
        const sum = done.reduce((n, o) => n + o.amount, 0)
        found.expect(sum === p.refunded && p.refunded <= p.captured, () => `payment ${p.id}: captured ${p.captured}, refunded ${p.refunded}, refund rows ${sum}`)
        const account = accounts.find((a) => a.key === p.id)
        if (books.isSettled(order) && account && !p.operations.some((o) => o.status === 'unknown')) {
          found.expect(account.refunded === p.refunded && account.captured === p.captured, () => `payment ${p.id}: ${p.captured}/${p.refunded} here, ${account.captured}/${account.refunded} at the provider`)
        }
      }
      const shown = order.refunds.filter((r) => r.status === 'succeeded').reduce((n, r) => n + r.amount, 0)
      if (order.status !== 'cancelled') found.expect(order.payment.refunded === shown, () => `order ${order.id}: shows ${order.payment.refunded} refunded, its refunds add up to ${shown}`)
    }
    return found.result
  }
}

const conserved: Invariant = {
  number: 8,
  name: 'money is conserved: captures − refunds = sellers + fees + held, in every payment and so in all',
  async check(books) {
    const found = new Findings()
    let captured = 0
    let refunded = 0
    let accounts = 0
    for await (const { payments } of books.orderFiles()) {
      for (const p of payments) {
        found.expect(isBalanced(p), () => `payment ${p.id}: captured ${p.captured}, refunded ${p.refunded}, ledger ${p.ledger.reduce((n, e) => n + e.amount, 0)}`)
        captured += p.captured
        refunded += p.refunded
        accounts += p.ledger.reduce((n, e) => n + e.amount, 0)
      }
    }
    found.expect(captured - refunded === accounts, () => `in all: captured ${captured}, refunded ${refunded}, accounts ${accounts}`)
    return found.result
  }
}

const coupons: Invariant = {
  number: 10,
  name: 'coupon limits hold, and every discounted order has its use',
  async check(books) {
    const found = new Findings()
    const rows = await books.main<{ code: string; uses: number; uses_total: number | null; uses_per_buyer: number | null; counted: number; most: number }>(
      `SELECT c.code, c.uses, c.uses_total, c.uses_per_buyer, count(u.order_id)::int AS counted,
              coalesce((SELECT max(n) FROM (SELECT count(*)::int AS n FROM pricing.coupon_use x WHERE x.code = c.code AND x.n IS NOT NULL GROUP BY buyer_id) b), 0) AS most
       FROM pricing.coupon c LEFT JOIN pricing.coupon_use u ON u.code = c.code AND u.n IS NOT NULL GROUP BY c.code`
    )
    for (const r of rows) {
      found.expect(r.uses === r.counted, () => `coupon ${r.code}: counts ${r.uses} uses, has ${r.counted}`)
      found.expect(r.uses_total === null || r.counted <= r.uses_total, () => `coupon ${r.code}: ${r.counted} uses of ${r.uses_total}`)
      found.expect(r.uses_per_buyer === null || r.most <= r.uses_per_buyer, () => `coupon ${r.code}: one buyer used it ${r.most} times, ${r.uses_per_buyer} allowed`)
    }
    const used = new Set((await books.main<{ order_id: string }>('SELECT order_id FROM pricing.coupon_use WHERE n IS NOT NULL')).map((r) => r.order_id))
    for await (const { order } of books.orderFiles()) {
      if (order.coupon === null || !books.isSettled(order)) continue
      const stands = order.status !== 'cancelled'
      found.expect(used.has(order.id) === stands, () => `order ${order.id} is ${order.status}, and its use of ${order.coupon} is ${used.has(order.id) ? 'there' : 'missing'}`)
    }
    return found.result
  }
}

export const money: Invariant[] = [captures, refunds, conserved, coupons]
