import { columns, type Queryable } from '../../mixins/postgres/database.ts'
import { HALF_LIFE_MS } from './popularity.ts'

/** What a row's score has decayed to. */
const now = (row: string): string => `${row}.score * power(2, -greatest(0, extract(epoch FROM now() - ${row}.at)) * 1000 / ${HALF_LIFE_MS})`

/** Scores as they are now, by product; 0 where nothing is known. */
export async function scoresOf(db: Queryable, productIds: readonly string[]): Promise<(productId: string) => number> {
  const rows = await db.query<{ productId: string; score: number }>(`SELECT product_id AS "productId", ${now('p')} AS score FROM indexer.popularity p WHERE product_id = ANY($1::text[])`, [productIds])
  const scores = new Map(rows.map(({ productId, score }) => [productId, score]))
  return (productId) => scores.get(productId) ?? 0
}

/** Adds to scores what happened just now. Products are locked in order of their ids. */
export async function addScores(tx: Queryable, added: ReadonlyMap<string, number>): Promise<void> {
  const rows = [...added].map(([productId, score]) => ({ productId, score }))
  await tx.query(
    `INSERT INTO indexer.popularity AS p (product_id, score, at) SELECT product_id, score, now() FROM unnest($1::text[], $2::float8[]) AS i (product_id, score) ORDER BY product_id
     ON CONFLICT (product_id) DO UPDATE SET score = ${now('p')} + excluded.score, at = now()`,
    columns(rows, ['productId', 'score'])
  )
}

/** Products whose score has left what the index shows by more than a tenth, the farthest first. */
export const drifted = (db: Queryable, limit: number): Promise<{ productId: string; score: number }[]> =>
  db.query(
    `SELECT product_id AS "productId", score FROM (SELECT product_id, ${now('p')} AS score, indexed FROM indexer.popularity p) AS p
     WHERE abs(score - indexed) > 0.1 * greatest(1, indexed) ORDER BY abs(score - indexed) DESC LIMIT $1`,
    [limit]
  )

/** Notes the scores that the index shows now. */
export async function markIndexed(db: Queryable, scores: ReadonlyMap<string, number>): Promise<void> {
  const rows = [...scores].map(([productId, score]) => ({ productId, score }))
  await db.query(
    `UPDATE indexer.popularity p SET indexed = i.score FROM
       (SELECT p.product_id, i.score FROM indexer.popularity p JOIN unnest($1::text[], $2::float8[]) AS i (product_id, score) USING (product_id) ORDER BY product_id FOR UPDATE OF p) AS i
     WHERE p.product_id = i.product_id`,
    columns(rows, ['productId', 'score'])
  )
}

/** Forgets products whose score has become nothing. */
export async function sweepScores(db: Queryable): Promise<void> {
  await db.query(`DELETE FROM indexer.popularity WHERE at < now() - interval '1 year' AND indexed < 0.1`)
}

export interface Job {
  startedAt: string
  finishedAt: string | null
  done: number
  error: string | null
}

/** How a job goes, or went; undefined when it never ran. */
export async function jobOf(db: Queryable, name: string): Promise<Job | undefined> {
  const [row] = await db.query<Job>(`SELECT started_at AS "startedAt", finished_at AS "finishedAt", done, error FROM indexer.job WHERE name = $1`, [name])
  return row
}

/** Begins a job, whoever else may be at it. */
export async function beginJob(db: Queryable, name: string): Promise<void> {
  await db.query(
    `INSERT INTO indexer.job (name, started_at) VALUES ($1, now())
     ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, finished_at = NULL, done = 0, error = NULL`,
    [name]
  )
}

/** Begins a job unless it was begun within `everyMs` by any node; says whether it is this one's. */
export async function claimJob(db: Queryable, name: string, everyMs: number): Promise<boolean> {
  const rows = await db.query(
    `INSERT INTO indexer.job AS j (name, started_at) VALUES ($1, now())
     ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, finished_at = NULL, done = 0, error = NULL
       WHERE j.started_at < now() - $2::float8 * interval '1 millisecond' RETURNING name`,
    [name, everyMs]
  )
  return rows.length > 0
}

export async function progressJob(db: Queryable, name: string, done: number): Promise<void> {
  await db.query('UPDATE indexer.job SET done = $2 WHERE name = $1', [name, done])
}

export async function endJob(db: Queryable, name: string, done: number, error: string | null): Promise<void> {
  await db.query('UPDATE indexer.job SET done = $2, finished_at = now(), error = $3 WHERE name = $1', [name, done, error])
}
