import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Client } from '@elastic/elasticsearch'
import { Database } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { connectElastic } from '../../mixins/search/elastic-client.ts'
import { aliasOf } from '../../mixins/search/elastic-generations.ts'
import { ElasticSearch } from '../../mixins/search/elastic-search.ts'
import { PostgresSearch } from '../../mixins/search/postgres-search.ts'
import { productIndex } from '../../services/search/product-index.ts'
import { connectMongo, MongoDocuments } from '../../mixins/documents/mongo-documents.ts'
import type { Payment } from '../../services/payment/payment.ts'
import { PAYMENTS } from '../../services/payment/payment.store.ts'
import { audit, INVARIANTS } from '../audit/audit.ts'
import { settledViolations, violationsOf } from '../support/clean-books.ts'
import type { TestDatabases } from '../support/databases.ts'
import { startBooks, type BookOrders } from '../support/books-of-a-day.ts'

type Plant = [invariant: number, what: string, plant: (db: TestDatabases, orders: BookOrders) => Promise<unknown>]

/** Runs a statement in every order database. */
const inOrders = (db: TestDatabases, sql: string, values: unknown[] = []): Promise<unknown> => Promise.all(db.orders.map((url) => db.query(sql, values, url)))

/** Sets a part of an order's state; `value` is JSON. */
const set = (db: TestDatabases, orderId: string, path: string, value: string): Promise<unknown> =>
  inOrders(db, `UPDATE orders.actor SET state = jsonb_set(state::jsonb, '{${path}}', $2::jsonb)::json WHERE key = $1`, [orderId, value])

/** An index of a test, with its record. */
async function deleteIndex(client: Client, name: string): Promise<void> {
  const indexes = await client.indices.get({ index: `${aliasOf(name)}_*`, allow_no_indices: true })
  for (const one of Object.keys(indexes)) await client.indices.delete({ index: one })
  await client.bulk({ index: 'souk_search_generations', operations: [{ delete: { _id: name } }] })
}

const PLANTS: Plant[] = [
  [1, 'stock that the ledger does not know', (db, { offer }) => db.query('UPDATE inventory.stock SET on_hand = on_hand + 1 WHERE offer_id = $1', [offer])],
  [1, 'more promised than there is', (db, { offer }) => db.query('ALTER TABLE inventory.stock DROP CONSTRAINT stock_never_oversold').then(() => db.query('UPDATE inventory.stock SET reserved = on_hand + 1 WHERE offer_id = $1', [offer]))],
  [1, 'an order that sold more than left', (db, { delivered }) => set(db, delivered, 'subOrders,0,lines,0,quantity', '5')],
  [2, 'stock held for an order that is over', (db, { cancelled }) => db.query(`UPDATE inventory.reservation SET status = 'held' WHERE order_id = $1`, [cancelled])],
  [2, 'stock held for no order', (db) => db.query(`INSERT INTO inventory.reservation (order_id, warehouse_id, attempt, status, lines, at) VALUES ('nobody', 'w', 1, 'held', '[]', now() - interval '1 hour')`)],
  [2, 'a paid order whose stock was not taken', (db, { delivered }) => db.query(`UPDATE inventory.reservation SET status = 'released' WHERE order_id = $1`, [delivered])],
  [2, 'a cancelled order whose stock did not come back', (db, { cancelled }) => db.query(`UPDATE inventory.reservation SET restocks = '[]' WHERE order_id = $1`, [cancelled])],
  [3, 'a second capture at the provider', (db, { delivered }) => db.query(`INSERT INTO provider.account (key, state, amount, currency, captured) VALUES ($1, 'captured', 100, 'USD', 100)`, [`${delivered}.2`])],
  [3, 'a capture of another amount', (db, { delivered }) => db.query(`UPDATE payment.payment SET doc = jsonb_set(doc, '{captured}', '1') WHERE id = $1`, [`${delivered}.1`])],
  [3, 'a cancelled order that still holds money', (db, { cancelled }) => db.query(`UPDATE provider.account SET refunded = 0 WHERE key = $1`, [`${cancelled}.1`])],
  [3, 'money taken for no order', (db, { delivered }) => inOrders(db, 'DELETE FROM orders.actor WHERE key = $1', [delivered])],
  [3, 'an order that shows money which nobody took', (db, { unpaid }) => set(db, unpaid, 'payment,captured', '100')],
  [4, 'a key that runs for ever', (db) => db.query(`INSERT INTO orders.idempotency (id, body_hash, at) VALUES ('k', 'h', now() - interval '1 hour')`, [], db.orders[0])],
  [4, 'a key that names an order which is gone', (db, { delivered }) => inOrders(db, 'DELETE FROM orders.actor WHERE key = $1', [delivered])],
  [4, 'an order that answers two keys', (db, { delivered }) => inOrders(db, `INSERT INTO orders.idempotency SELECT 'other', body_hash, status, answer FROM orders.idempotency WHERE answer->>'id' = $1 AND json_array_length(answer->'returns') = 0 LIMIT 1`, [delivered])],
  [5, 'a saga that stands still', (db, { delivered }) => set(db, delivered, 'phase', '"paid"')],
  [5, 'a paid part without a parcel', (db, { delivered }) => db.query('UPDATE logistics.shipment SET sub_order_id = sub_order_id || $2 WHERE order_id = $1', [delivered, 'x'])],
  [6, 'a parcel of an unpaid order', (db, { delivered }) => db.query('DELETE FROM payment.payment WHERE id = $1', [`${delivered}.1`])],
  [6, 'a parcel of no order', (db, { delivered }) => inOrders(db, 'DELETE FROM orders.actor WHERE key = $1', [delivered])],
  [7, 'a refund that no row explains', (db, { returned }) => db.query(`UPDATE payment.payment SET doc = jsonb_set(doc, '{refunded}', '1') WHERE id = $1`, [`${returned}.1`])],
  [7, 'a refund that the provider does not know', (db, { returned }) => db.query('UPDATE provider.account SET refunded = refunded - 1 WHERE key = $1', [`${returned}.1`])],
  [7, 'an order that shows another refund', (db, { returned }) => set(db, returned, 'payment,refunded', '3')],
  [8, 'a payment that does not balance', (db, { delivered }) => db.query(`UPDATE payment.payment SET doc = jsonb_set(doc, '{ledger,0,amount}', '1') WHERE id = $1`, [`${delivered}.1`])],
  [9, 'a total that is not its parts', (db, { delivered }) => set(db, delivered, 'totals,shipping', '1')],
  [9, 'a line at another price than accepted', (db, { delivered }) => set(db, delivered, 'subOrders,0,lines,0,unitPrice', '1')],
  [9, 'a tax that its lines do not have', (db, { delivered }) => set(db, delivered, 'subOrders,0,lines,0,tax', '1')],
  [10, 'a coupon that counts wrong', (db) => db.query('UPDATE pricing.coupon SET uses = uses + 1')],
  [10, 'a discount without its use', (db, { delivered }) => db.query('DELETE FROM pricing.coupon_use WHERE order_id = $1', [delivered])],
  [10, 'a cancelled order that keeps its use', (db, { cancelled }) => db.query('UPDATE pricing.coupon_use SET n = 9 WHERE order_id = $1', [cancelled])],
  [11, 'an acknowledged order that is gone', (db, { delivered }) => inOrders(db, 'DELETE FROM orders.actor WHERE key = $1', [delivered])],
  [12, 'an order that went where no edge leads', (db, { delivered }) => set(db, delivered, 'timeline,0,status', '"shipped"')],
  [12, 'an order whose timeline ends elsewhere', (db, { delivered }) => set(db, delivered, 'status', '"shipped"')],
  [16, 'an event that was never written', (db, { delivered }) => inOrders(db, 'UPDATE orders.actor SET events = events + 1 WHERE key = $1', [delivered])],
  [16, 'an event that the log lost', (db, { delivered }) => db.query(`DELETE FROM log.event WHERE aggregate = $1 AND number = 2`, [`order/${delivered}`])],
  [16, 'a payment’s event that the log lost', (db, { delivered }) => db.query(`DELETE FROM log.event WHERE aggregate = $1`, [`payment/${delivered}.1`])],
  [17, 'an event that nobody sends', (db) => db.query(`INSERT INTO orders.outbox (lane, event_id, topic, aggregate, number, at, body) VALUES (0, 'e', 'order_created', 'order/x', 1, now() - interval '1 hour', '{}')`, [], db.orders[1])],
  [17, 'a consumer that is ahead of the log', (db, { delivered }) => db.query('UPDATE seller.inbox SET number = number + 100 WHERE aggregate = $1', [`order/${delivered}`])],
  [17, 'a consumer that took what never was', (db) => db.query(`INSERT INTO seller.inbox (consumer, topic, aggregate, number) VALUES ('c', 'order_confirmed', 'order/none', 1)`)],
  [18, 'an event that tells another total', (db, { delivered }) => db.query(`UPDATE log.event SET body = jsonb_set(body::jsonb, '{totals,total,amount}', '1')::json WHERE aggregate = $1`, [`order/${delivered}`])],
  [18, 'a cancel that was not told', (db, { cancelled }) => db.query(`UPDATE log.event SET topic = 'order_withdrawn' WHERE aggregate = $1 AND topic = 'order_cancelled'`, [`order/${cancelled}`])],
  [18, 'an order that only events know', (db, { delivered }) => inOrders(db, 'DELETE FROM orders.actor WHERE key = $1', [delivered])],
  [19, 'a seller’s list that missed a change', (db, { returned }) => db.query(`UPDATE seller.sub_order SET status = 'confirmed' WHERE order_id = $1`, [returned])],
  [19, 'a sale that is in no list', (db, { delivered }) => db.query('DELETE FROM seller.sub_order WHERE order_id = $1', [delivered])],
  [21, 'a product that search missed', (db) => db.query(`UPDATE product.product SET version = version + 3, updated_at = now() - interval '1 hour'`)],
  [24, 'a card number in a label', (db) => db.query(`UPDATE payment.method SET doc = jsonb_set(doc, '{label}', '"my 4242424242424242 card"') WHERE id = (SELECT id FROM payment.method LIMIT 1)`)],
  [25, 'an order in a database that is not its own', async (db, { delivered }) => {
    for (const [i, url] of db.orders.entries()) {
      const [row] = await db.query<{ state: unknown }>('DELETE FROM orders.actor WHERE key = $1 RETURNING state', [delivered], url)
      if (row) return db.query(`INSERT INTO orders.actor (type, key, version, events, state, operations) VALUES ('order', $1, 1, 0, $2, '[]')`, [delivered, row.state], db.orders[1 - i])
    }
  }],
  [25, 'a part with the id of another', (db, { delivered }) => set(db, delivered, 'subOrders,0,id', '"of.another.s1"')],
  [25, 'one event id for two events', (db) => db.query(`UPDATE log.event SET id = 'same' WHERE topic = 'order_created'`)]
]

describe('the audit', () => {
  let books: Awaited<ReturnType<typeof startBooks>>
  const acknowledged = (): { orderId: string; status: number }[] => Object.values(books.orders).filter((id) => id.includes('.')).map((orderId) => ({ orderId, status: 201 }))
  beforeAll(async () => {
    books = await startBooks()
  }, 90_000)
  afterAll(async () => {
    await books.databases.drop()
  })

  test('finds nothing in clean books, and looks at everything', async () => {
    expect(await settledViolations(books.databases)).toEqual([])
    const { findings } = await audit({ ...books.databases, settledSeconds: 0, acknowledged: acknowledged() })
    expect(violationsOf({ findings, violations: 0 })).toEqual([])
    for (const { invariant, finding } of findings) expect([invariant.number, finding.skipped, finding.checked > 0]).toEqual([invariant.number, undefined, true])
  })

  test.each(PLANTS)('finds by number %i: %s', async (number, _what, plant) => {
    const db = await books.databases.copy()
    try {
      await plant(db, books.orders)
      const report = await audit({ ...db, settledSeconds: 0, acknowledged: acknowledged() })
      expect(report.violations).toBeGreaterThan(0)
      expect(violationsOf(report).map(([n]) => n)).toContain(number)
    } finally {
      await db.drop()
    }
  })

  test('has a planted violation for every invariant', () => {
    expect(new Set(PLANTS.map(([number]) => number))).toEqual(new Set(INVARIANTS.map((i) => i.number)))
  })

  describe('over many databases', () => {
    const APART = ['inventory', 'log', 'product', 'search', 'seller'] as const
    let db: TestDatabases
    const others: TestDatabases[] = []
    let schemas: Record<string, string>

    /** A copy of the books in which each of these schemas lies in a database of its own, and nowhere else. */
    beforeAll(async () => {
      db = await books.databases.copy()
      for (const _schema of APART) others.push(await books.databases.copy())
      schemas = Object.fromEntries(APART.map((schema, i) => [schema, others[i]!.main]))
      for (const schema of APART) {
        for (const url of [db.main, ...Object.values(schemas)]) if (url !== schemas[schema]) await db.query(`DROP SCHEMA ${schema} CASCADE`, [], url)
      }
      for (const url of Object.values(schemas)) for (const schema of ['logistics', 'payment', 'pricing', 'provider']) await db.query(`DROP SCHEMA ${schema} CASCADE`, [], url)
    }, 60_000)
    afterAll(async () => {
      for (const copy of [db, ...others]) await copy.drop()
    })

    test('finds nothing in clean books, and looks at everything', async () => {
      const report = await audit({ ...db, schemas, settledSeconds: 0, acknowledged: acknowledged() })
      expect(violationsOf(report)).toEqual([])
      for (const { invariant, finding } of report.findings) expect([invariant.number, finding.skipped, finding.checked > 0]).toEqual([invariant.number, undefined, true])
    })

    test('finds what is wrong in each of them', async () => {
      await db.query('UPDATE inventory.stock SET on_hand = on_hand + 1', [], schemas['inventory'])
      await db.query('UPDATE seller.inbox SET number = number + 100 WHERE aggregate = $1', [`order/${books.orders.delivered}`], schemas['seller'])
      await db.query('UPDATE product.product SET version = version + 3', [], schemas['product'])
      await db.query(`UPDATE log.event SET id = 'same' WHERE topic = 'order_created'`, [], schemas['log'])
      await db.query('UPDATE pricing.coupon SET uses = uses + 1')
      const report = await audit({ ...db, schemas, settledSeconds: 0 })
      expect(violationsOf(report).map(([n]) => n)).toEqual([1, 10, 17, 21, 25])
    })

    test('says which one holds no marketplace', async () => {
      await expect(audit({ ...db, schemas: { ...schemas, seller: schemas['inventory']! }, settledSeconds: 0 })).rejects.toThrow('the inventory database holds no marketplace: it has no schema "seller"')
    })
  })

  const mongo = process.env['SOUK_TEST_MONGODB_URL']
  if (!mongo) test.skip('payments in MongoDB: set SOUK_TEST_MONGODB_URL to run them', () => {})
  else {
    test('reads payments from MongoDB where they are there', async () => {
      const db = await books.databases.copy()
      const url = new URL(mongo)
      url.pathname = `/${new URL(db.main).pathname.slice(1)}`
      const client = connectMongo(url.href)
      try {
        const payments = new MongoDocuments<Payment>(client, 'payment', PAYMENTS)
        for (const { doc, id } of await db.query<{ id: string; doc: Payment }>('DELETE FROM payment.payment RETURNING id, doc')) await payments.insert({ ...doc, id })
        const look = async (): Promise<number[]> => violationsOf(await audit({ ...db, mongo: url.href, settledSeconds: 0 })).map(([n]) => n)
        expect(await look()).toEqual([])
        const [paid] = await payments.find({ orderId: books.orders.delivered }, { limit: 1 })
        await payments.replace({ ...paid!, captured: 1 }, paid!.version)
        expect(await look()).toEqual([3, 6, 7, 8])
      } finally {
        await client.db().dropDatabase()
        await client.close()
        await db.drop()
      }
    })
  }

  const elastic = process.env['SOUK_TEST_ELASTICSEARCH_URL']
  if (!elastic) test.skip('the index in Elasticsearch: set SOUK_TEST_ELASTICSEARCH_URL to run it', () => {})
  else {
    test('reads the index from Elasticsearch where it is there', async () => {
      const db = await books.databases.copy()
      const name = `audit${newId().replaceAll('-', '').slice(-12)}`
      const client = connectElastic(elastic)
      const index = new ElasticSearch(client, { ...productIndex, name }, async () => {})
      const here = new PostgresSearch(new Database(db.main, 'search'), productIndex)
      try {
        const documents = await here.scan(undefined, 100)
        await here.close()
        await db.query('DROP SCHEMA search CASCADE')
        const look = async (): Promise<[number, number][]> => {
          await client.indices.refresh({ index: `${aliasOf(name)}*` })
          const { findings } = await audit({ ...db, elastic: { urls: elastic, name }, settledSeconds: 0 })
          return findings.filter(({ finding }) => finding.count > 0).map(({ invariant, finding }) => [invariant.number, finding.count])
        }
        expect(await look()).toEqual([[21, documents.length]]) // nothing is found
        await index.put(documents)
        expect(await look()).toEqual([])
        await index.put([{ ...documents[0]!, id: 'nobody-sells-it' }])
        await index.remove([{ id: documents[1]!.id, version: documents[1]!.version + 1 }])
        expect(await look()).toEqual([[21, 2]])
      } finally {
        await here.close()
        await deleteIndex(client, name)
        await client.close()
        await db.drop()
      }
    })
  }

  describe('on the command line', () => {
    const root = fileURLToPath(new URL('../../', import.meta.url))
    const dir = mkdtempSync(join(tmpdir(), 'souk-audit-'))
    afterAll(() => rmSync(dir, { recursive: true, force: true }))
    const run = (args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> =>
      new Promise((resolve) => {
        const clean = { ...process.env, DATABASE_URL: '', ORDERS_DATABASE_URLS: '', NODE_NO_WARNINGS: '1', ...env }
        execFile(process.execPath, ['test/audit/cli.ts', ...args], { cwd: root, env: clean }, (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }))
      })
    const urls = (): Record<string, string> => ({ DATABASE_URL: books.databases.main, ORDERS_DATABASE_URLS: books.databases.orders.join(',') })

    test('prints each invariant with what it found, and ends with 0', async () => {
      const { code, out } = await run(['--settled', '0'], urls())
      expect(code).toBe(0)
      for (const { number, name } of INVARIANTS) expect(out).toMatch(new RegExp(`^[✓–] +${number}  ${name.slice(0, 20)}`, 'm'))
      expect(out).toContain('Every invariant holds')
    })

    test('takes the database of a schema from the environment', async () => {
      const { code, err } = await run(['--settled', '0'], { ...urls(), DATABASE_URL_SELLER: books.databases.orders[0]! })
      expect([code, err.trim()]).toEqual([2, 'souk: the audit could not be made: the orders 0 database holds no marketplace: it has no schema "seller"'])
    })

    test('finds the node of a data directory, takes acknowledgements, and ends with 1 on a violation', async () => {
      writeFileSync(join(dir, 'node.json'), JSON.stringify({ pid: 1, node: 'n', address: null, operations: '', databaseUrl: books.databases.main, ordersDatabaseUrls: books.databases.orders }))
      writeFileSync(join(dir, 'acks'), '{"orderId":"gone","status":201}\n')
      const { code, out } = await run(['--data-dir', dir, '--acks', join(dir, 'acks'), '--settled', '0', '--json'])
      expect(code).toBe(1)
      const report = JSON.parse(out) as { violations: number; items: { number: number; count: number; examples: string[] }[] }
      expect(report.violations).toBe(1)
      expect(report.items.find((i) => i.number === 11)).toMatchObject({ count: 1, examples: ['order gone was acknowledged with 201 and is gone'] })
    })

    test.each([
      ['there is no node', ['--data-dir', '/nowhere'], {}, 'no node runs on'],
      ['a database cannot be reached', [], { DATABASE_URL: 'postgres://souk:secret@127.0.0.1:1/souk', ORDERS_DATABASE_URLS: 'postgres://127.0.0.1:1/o' }, 'ECONNREFUSED'],
      ['the file of acknowledgements is not there', ['--acks', '/nowhere/acks', '--data-dir', '/nowhere'], {}, 'ENOENT'],
      ['an option is wrong', ['--settled', 'soon'], {}, '--settled wants seconds'],
      ['an option does not exist', ['--speed'], {}, '--speed']
    ])('ends with 2 and one clear line when %s', async (_what, args, env, says) => {
      const { code, out, err } = await run(args, env)
      expect([code, out]).toEqual([2, ''])
      expect(err.trim().split('\n')).toHaveLength(1)
      expect(err).toContain(says)
      expect(err).not.toContain('secret')
    })
  })
})
