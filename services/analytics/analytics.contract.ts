import { int, list, moneyRule, nullable, object, oneOf, optional, text, type Infer } from '../../mixins/primitives/schema.ts'
import { actions, type ActionsOf } from '../../mixins/runtime/calls.ts'

/** Longest period of one report, in days. */
export const PERIOD_MAX_DAYS = 366
/** Rows of one report at most; the rest is summed up in its totals only. */
export const REPORT_ROWS_MAX = 1_000
export const SALES_GROUPS = ['day', 'seller', 'category'] as const
export const FUNNEL_STEPS = ['viewed', 'added_to_cart', 'ordered', 'paid'] as const

const day = (description: string) => text({ min: 10, max: 10, pattern: /^\d{4}-\d\d-\d\d$/, format: 'date', description })

/** Days in UTC, both included; the 30 days up to today unless told. */
const period = { from: optional(day('first day, UTC')), to: optional(day('last day, UTC')) }
const periodAnswer = { from: day('first day, UTC'), to: day('last day, UTC') }

/**
 * What was sold. An order counts when it is confirmed, a cancel or a refund when it happens; `net = total − cancelled − refunded`.
 * By category only goods are known (`units`, `subtotal`), by seller everything but refunds.
 */
const figures = {
  /** Confirmed orders; by seller and category those with at least one line of it. */
  orders: int({ min: 0 }),
  units: int({ min: 0 }),
  subtotal: moneyRule,
  discount: nullable(moneyRule),
  shipping: nullable(moneyRule),
  tax: nullable(moneyRule),
  total: nullable(moneyRule),
  /** Totals of confirmed orders that were cancelled afterwards. */
  cancelled: nullable(moneyRule),
  /** Money given back without a cancel: returns, goodwill. */
  refunded: nullable(moneyRule),
  net: nullable(moneyRule)
}

const salesRule = object({
  ...periodAnswer,
  groupBy: oneOf(SALES_GROUPS),
  /** By day ascending, otherwise by subtotal descending. `key` is the day, the seller's id or the category's slug. */
  items: list(object({ key: text({ min: 0 }), ...figures }), { max: REPORT_ROWS_MAX }),
  /** Of the whole period, one for each currency. */
  totals: list(object(figures))
})

const funnelRule = object({
  ...periodAnswer,
  /** In order. `shoppers` are distinct people (or guests' carts), `events` all that happened. Views are best effort: some may be missing. */
  steps: list(object({ step: oneOf(FUNNEL_STEPS), shoppers: int({ min: 0 }), events: int({ min: 0 }) }))
})

const salesParams = { ...period, groupBy: optional(oneOf(SALES_GROUPS)) }

/** Whole and cheap, so that the face can say how fresh a report is. */
const statusRule = object({
  /** null when the engine works here, otherwise why it does not. */
  off: nullable(text({ max: 500 })),
  /** Events of the log that are not in the reports yet. */
  behind: int({ min: 0 })
})

export const analyticsActions = actions({
  'analytics.sales': { params: salesParams, returns: salesRule },
  'analytics.funnel': { params: period, returns: funnelRule },

  /** `unavailable` where the engine cannot be used; `validation-failed` for a period that is none, or too long. */
  'analytics.worker.sales': { params: salesParams, returns: salesRule },
  'analytics.worker.funnel': { params: period, returns: funnelRule },
  'analytics.worker.status': { params: {}, returns: statusRule }
})

export type Sales = Infer<typeof salesRule>
export type Funnel = Infer<typeof funnelRule>

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof analyticsActions> {}
}
