import { Batcher } from '../../mixins/batch/batcher.ts'
import { columns, type Database, type Queryable } from '../../mixins/postgres/database.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { decide, newAccount, type Account, type Decision, type Entry, type Request } from './provider.ts'

/** A bank's answer takes a moment: requests of that moment are decided together. */
const GATHER_MS = 4

const overloaded = (): Error => problem('overloaded', 'Too many requests wait for the provider: try again shortly.', { retryAfter: 1 })

const ACCOUNT = 'key, state, reason, amount, currency, captured, refunded'
const ENTRY = 'id, key, kind, refund_id AS "refundId", amount, currency, status, reason, at'

/** A webhook that is to be sent. */
export interface Delivery {
  id: number
  event: unknown
}

/** What the merchant is told of an entry: the body of its webhook. */
const eventOf = (e: Entry): unknown => ({
  id: e.id,
  at: e.at,
  key: e.key,
  kind: e.kind,
  status: e.status,
  amount: { amount: e.amount, currency: e.currency },
  ...(e.refundId ? { refundId: e.refundId } : {}),
  ...(e.reason ? { reason: e.reason } : {})
})

/**
 * The provider's books. Requests that wait together are decided in one transaction, in the order they came: their accounts locked
 * by key, account, ledger entry and webhooks written as one statement.
 */
export class ProviderStore {
  readonly #db: Database
  readonly #requests: Batcher<Request, Decision>
  readonly #lookups: Batcher<string, Account | null>
  readonly #delays: () => readonly number[]

  /** `delays` answers milliseconds until each copy of an entry's webhook is sent. */
  constructor(db: Database, delays: () => readonly number[]) {
    this.#db = db
    this.#delays = delays
    this.#requests = new Batcher((requests) => this.#decide(requests), { max: 128, inFlight: 1, gatherMs: GATHER_MS, maxWaiting: 5_000, full: overloaded })
    this.#lookups = new Batcher((keys) => this.#find(keys), { max: 128, inFlight: 1, maxWaiting: 5_000, full: overloaded })
  }

  /** Decides a request and keeps the decision; rejects with `conflict` for a key that comes with another amount. */
  request(request: Request): Promise<Decision> {
    return this.#requests.add(request)
  }

  account(key: string): Promise<Account | null> {
    return this.#lookups.add(key)
  }

  entries(key: string): Promise<Entry[]> {
    return this.#db.query<Entry>(`SELECT ${ENTRY} FROM provider.entry WHERE key = $1 ORDER BY id`, [key])
  }

  accounts(after: string, limit: number): Promise<Account[]> {
    return this.#db.query<Account>(`SELECT ${ACCOUNT} FROM provider.account WHERE key > $1 AND state <> 'new' ORDER BY key LIMIT $2`, [after, limit])
  }

  /** Webhooks that are due, this thread's for now: each comes again, later every time, until it is `delivered`. */
  claim(limit: number): Promise<Delivery[]> {
    return this.#db.query<Delivery>(
      `UPDATE provider.delivery SET attempts = attempts + 1, due_at = now() + least(5 * 2 ^ least(attempts, 10), 600) * interval '1 second'
       WHERE id IN (SELECT id FROM provider.delivery WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, event`,
      [limit]
    )
  }

  async delivered(ids: readonly number[]): Promise<void> {
    await this.#db.query('DELETE FROM provider.delivery WHERE id = ANY($1::bigint[])', [ids])
  }

  /** Forgets webhooks that nobody took for three days. */
  async giveUp(): Promise<void> {
    await this.#db.query(`DELETE FROM provider.delivery WHERE attempts > 400`)
  }

  async #find(keys: string[]): Promise<(Account | null)[]> {
    const rows = await this.#db.query<Account>(`SELECT ${ACCOUNT} FROM provider.account WHERE key = ANY($1::text[])`, [keys])
    const found = new Map(rows.filter((row) => row.state !== 'new').map((row) => [row.key, row]))
    return keys.map((key) => found.get(key) ?? null)
  }

  async #decide(requests: Request[]): Promise<(Decision | Error)[]> {
    return this.#db.tx(async (tx) => {
      const accounts = await this.#lock(tx, requests)
      const refunds = await this.#refunds(tx, requests)
      const decisions = requests.map((request): Decision | Error => {
        try {
          const decision = decide(accounts.get(request.key) ?? null, request, request.kind === 'refund' ? (refunds.get(`${request.key} ${request.refundId}`) ?? null) : null)
          if (decision.entry?.kind === 'refund') refunds.set(`${request.key} ${decision.entry.refundId}`, decision.entry)
          return decision
        } catch (error) {
          return error as Error
        }
      })
      await this.#keep(tx, accounts, decisions.flatMap((d) => ('entry' in d && d.entry ? [d.entry] : [])))
      return decisions
    })
  }

  /** Accounts of a batch, locked in key order; made first where a request may be the key's first. */
  async #lock(tx: Queryable, requests: readonly Request[]): Promise<Map<string, Account>> {
    const makers = [...new Set(requests.filter((r) => r.kind === 'authorize' || r.kind === 'void').map((r) => r.key))].sort()
    if (makers.length > 0) {
      await tx.query(
        `INSERT INTO provider.account (${ACCOUNT}) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[]) ON CONFLICT DO NOTHING`,
        columns(makers.map(newAccount), ['key', 'state', 'reason', 'amount', 'currency', 'captured', 'refunded'])
      )
    }
    const rows = await tx.query<Account>(`SELECT ${ACCOUNT} FROM provider.account WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE`, [requests.map((r) => r.key)])
    return new Map(rows.map((row) => [row.key, row]))
  }

  async #refunds(tx: Queryable, requests: readonly Request[]): Promise<Map<string, Entry>> {
    const wanted = requests.filter((r) => r.kind === 'refund')
    if (wanted.length === 0) return new Map()
    const rows = await tx.query<Entry>(
      `SELECT ${ENTRY} FROM provider.entry WHERE kind = 'refund' AND (key, refund_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      columns(wanted, ['key', 'refundId'])
    )
    return new Map(rows.map((row) => [`${row.key} ${row.refundId}`, row]))
  }

  async #keep(tx: Queryable, accounts: ReadonlyMap<string, Account>, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return
    const changed = [...new Set(entries.map((e) => e.key))].map((key) => accounts.get(key)!)
    const deliveries = entries.flatMap((e) => this.#delays().map((ms) => ({ event: JSON.stringify(eventOf(e)), ms })))
    await tx.query(
      `WITH accounts AS (
         UPDATE provider.account a SET state = c.state, reason = c.reason, amount = c.amount, currency = c.currency, captured = c.captured, refunded = c.refunded
         FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[]) AS c (${ACCOUNT}) WHERE a.key = c.key),
       entries AS (
         INSERT INTO provider.entry (id, key, kind, refund_id, amount, currency, status, reason, at)
         SELECT * FROM unnest($8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::text[], $15::text[], $16::timestamptz[]))
       INSERT INTO provider.delivery (event, due_at) SELECT event, now() + ms * interval '1 millisecond' FROM unnest($17::jsonb[], $18::float8[]) AS d (event, ms)`,
      [
        ...columns(changed, ['key', 'state', 'reason', 'amount', 'currency', 'captured', 'refunded']),
        ...columns(entries, ['id', 'key', 'kind', 'refundId', 'amount', 'currency', 'status', 'reason', 'at']),
        ...columns(deliveries, ['event', 'ms'])
      ]
    )
  }
}
