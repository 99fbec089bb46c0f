import type pg from 'pg'
import { connectMongo, MongoDocuments } from '../../mixins/documents/mongo-documents.ts'
import { columns } from '../../mixins/postgres/database.ts'
import type { Payment } from '../../services/payment/payment.ts'
import { PAYMENTS } from '../../services/payment/payment.store.ts'

const PAGE = 2_000

const TABLE = 'CREATE TEMP TABLE audit_payment (id text COLLATE "C" PRIMARY KEY, doc jsonb NOT NULL) ON COMMIT PRESERVE ROWS'
const INSERT = 'INSERT INTO audit_payment SELECT * FROM unnest($1::text[], $2::jsonb[])'

/** Copies all payments from MongoDB into a table of the session, a page at a time. Each document is as it was when its page was read. */
export async function copyPayments(url: string, into: pg.Client): Promise<void> {
  await into.query(TABLE)
  const client = connectMongo(url)
  try {
    const payments = new MongoDocuments<Payment>(client, 'payment', PAYMENTS)
    for (let after: string | undefined; ; ) {
      const page = await payments.find({}, { after, limit: PAGE })
      await into.query(INSERT, columns(page.map(({ id, ...doc }) => ({ id, doc: JSON.stringify(doc) })), ['id', 'doc']))
      if (page.length < PAGE) break
      after = page.at(-1)!.id
    }
    await into.query('ANALYZE audit_payment')
  } finally {
    await client.close()
  }
}
