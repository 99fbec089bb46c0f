import { columns, type Database, type Queryable } from '../../mixins/postgres/database.ts'
import type { PlannedReport } from './carrier.ts'

/** A report whose turn it is. */
export type DueReport = Pick<PlannedReport, 'shipmentId' | 'n' | 'status' | 'at' | 'place'>

export async function insertReports(tx: Queryable, reports: readonly PlannedReport[]): Promise<void> {
  await tx.query(
    `INSERT INTO carrier.report (shipment_id, n, status, at, due, place)
     SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[]) ON CONFLICT DO NOTHING`,
    columns(reports, ['shipmentId', 'n', 'status', 'at', 'due', 'place'])
  )
}

/** Takes due reports in hand: nobody else gets them for half a minute, and then, unless they were deleted, they are due again. */
export const claimDue = (db: Database, limit: number): Promise<DueReport[]> =>
  db.query<DueReport>(
    `UPDATE carrier.report r SET due = now() + interval '30 seconds'
     FROM (SELECT shipment_id, n FROM carrier.report WHERE due <= now() ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED) d
     WHERE r.shipment_id = d.shipment_id AND r.n = d.n
     RETURNING r.shipment_id AS "shipmentId", r.n, r.status, r.at, r.place`,
    [limit]
  )

export async function deleteReports(db: Database, done: readonly Pick<DueReport, 'shipmentId' | 'n'>[]): Promise<void> {
  await db.query('DELETE FROM carrier.report r USING unnest($1::text[], $2::smallint[]) AS d (shipment_id, n) WHERE r.shipment_id = d.shipment_id AND r.n = d.n', columns(done, ['shipmentId', 'n']))
}
