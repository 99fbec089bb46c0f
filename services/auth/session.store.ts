import type { Database, Queryable } from '../../mixins/postgres/database.ts'

export interface Session {
  id: string
  person_id: string
  generation: number
  rotated_at: string
  created_at: string
  last_used_at: string
  address: string
  user_agent: string
}

/** Where a session is used from. */
export interface Origin {
  address: string
  userAgent: string
}

const COLUMNS = 'id, person_id, generation, rotated_at, created_at, last_used_at, address, user_agent'

export async function insertSession(tx: Queryable, id: string, personId: string, { address, userAgent }: Origin, seconds: number): Promise<void> {
  await tx.query(
    `INSERT INTO auth.session (id, person_id, expires_at, address, user_agent) VALUES ($1, $2, now() + make_interval(secs => $3), $4, $5)`,
    [id, personId, seconds, address, userAgent]
  )
}

/**
 * What a refresh token of `generation` is worth. `rotated`: it was the good one, its successor is now. `again`: it was rotated less
 * than `graceSeconds` ago and nobody has used the successor, so the answer was lost. `reused`: a used token came back, the session
 * was ended. `dead`: no such session, or it is over.
 */
export type Rotation = { outcome: 'rotated' | 'again' | 'reused'; personId: string } | { outcome: 'dead' }

/** One compare-and-set on the family; of two that come at once, one rotates and the other gets the same successor. */
export async function rotate(tx: Queryable, id: string, generation: number, { address, userAgent }: Origin, seconds: number, graceSeconds: number): Promise<Rotation> {
  const rotated = await tx.query<{ person_id: string }>(
    `UPDATE auth.session SET generation = generation + 1, rotated_at = now(), last_used_at = now(), expires_at = now() + make_interval(secs => $3), address = $4, user_agent = $5
     WHERE id = $1 AND generation = $2 AND ended_at IS NULL AND expires_at > now() RETURNING person_id`,
    [id, generation, seconds, address, userAgent]
  )
  if (rotated[0]) return { outcome: 'rotated', personId: rotated[0].person_id }
  const [session] = await tx.query<{ person_id: string; generation: number; fresh: boolean }>(
    `SELECT person_id, generation, rotated_at > now() - make_interval(secs => $2) AS fresh FROM auth.session WHERE id = $1 AND ended_at IS NULL AND expires_at > now() FOR UPDATE`,
    [id, graceSeconds]
  )
  if (!session || session.generation <= generation) return { outcome: 'dead' }
  if (session.fresh && session.generation === generation + 1) return { outcome: 'again', personId: session.person_id }
  await tx.query('UPDATE auth.session SET ended_at = now() WHERE id = $1', [id])
  return { outcome: 'reused', personId: session.person_id }
}

/** Ends a person's session. `ended`: now; `over`: before; `unknown`: they have none of this id. */
export async function endSession(tx: Queryable, id: string, personId: string): Promise<'ended' | 'over' | 'unknown'> {
  const ended = await tx.query('UPDATE auth.session SET ended_at = now() WHERE id = $1 AND person_id = $2 AND ended_at IS NULL RETURNING id', [id, personId])
  if (ended.length > 0) return 'ended'
  const known = await tx.query('SELECT 1 FROM auth.session WHERE id = $1 AND person_id = $2', [id, personId])
  return known.length > 0 ? 'over' : 'unknown'
}

/** Ends all of a person's sessions but one; answers their ids. */
export async function endOtherSessions(tx: Queryable, personId: string, keep: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>('UPDATE auth.session SET ended_at = now() WHERE person_id = $1 AND id <> $2 AND ended_at IS NULL RETURNING id', [personId, keep])
  return rows.map(({ id }) => id)
}

/** Ids of a person's live sessions. */
export async function liveSessions(db: Queryable, personId: string): Promise<string[]> {
  const rows = await db.query<{ id: string }>('SELECT id FROM auth.session WHERE person_id = $1 AND ended_at IS NULL AND expires_at > now()', [personId])
  return rows.map(({ id }) => id)
}

/** A person's live sessions, newest first, from before `before`. */
export async function listSessions(db: Queryable, personId: string, before: string | null, limit: number): Promise<Session[]> {
  return db.query<Session>(
    `SELECT ${COLUMNS} FROM auth.session WHERE person_id = $1 AND ended_at IS NULL AND expires_at > now() AND ($2::text IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
    [personId, before, limit]
  )
}

/** Forgets what has been over for a month, and proofs of yesterday. True when there was as much as it takes at once. */
export async function sweepSessions(db: Database, rows: number): Promise<boolean> {
  const sessions = await db.query(
    `DELETE FROM auth.session WHERE id IN (SELECT id FROM auth.session WHERE expires_at < now() - interval '30 days' ORDER BY expires_at LIMIT $1) RETURNING id`,
    [rows]
  )
  const proofs = await db.query(
    `DELETE FROM auth.proof WHERE digest IN (SELECT digest FROM auth.proof WHERE expires_at < now() - interval '1 day' ORDER BY expires_at LIMIT $1) RETURNING digest`,
    [rows]
  )
  return sessions.length === rows || proofs.length === rows
}

export interface CartMerge {
  cart_id: string
  person_id: string
}

export async function insertCartMerge(tx: Queryable, cartId: string, personId: string, retrySeconds: number): Promise<void> {
  await tx.query(`INSERT INTO auth.cart_merge (cart_id, person_id, next_at) VALUES ($1, $2, now() + make_interval(secs => $3)) ON CONFLICT DO NOTHING`, [cartId, personId, retrySeconds])
}

export async function deleteCartMerge(db: Queryable, { cart_id, person_id }: CartMerge): Promise<void> {
  await db.query('DELETE FROM auth.cart_merge WHERE cart_id = $1 AND person_id = $2', [cart_id, person_id])
}

/** Merges whose time has come, each put off (longer each time, up to a quarter of an hour) before somebody tries it. */
export async function dueCartMerges(db: Queryable, limit: number): Promise<CartMerge[]> {
  return db.query<CartMerge>(
    `UPDATE auth.cart_merge m SET attempts = attempts + 1, next_at = now() + make_interval(secs => least(900, 5 * 2 ^ least(attempts, 10)))
     FROM (SELECT cart_id, person_id FROM auth.cart_merge WHERE next_at <= now() ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED) due
     WHERE m.cart_id = due.cart_id AND m.person_id = due.person_id RETURNING m.cart_id, m.person_id`,
    [limit]
  )
}
