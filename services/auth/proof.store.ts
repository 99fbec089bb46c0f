import { columns, type Queryable } from '../../mixins/postgres/database.ts'

/** A proof of identity just made; `digest` stands for the confirmation. */
export interface NewProof {
  digest: string
  person_id: string
  session_id: string
  purpose: string
}

/** Somebody who wants a proof for a holder. */
export interface Hold {
  digest: string
  person_id: string
  session_id: string
  purpose: string
  holder: string
  amount: number
  currency: string
}

export async function insertProofs(db: Queryable, proofs: readonly NewProof[], seconds: number): Promise<void> {
  await db.query(
    `INSERT INTO auth.proof (digest, person_id, session_id, purpose, expires_at)
     SELECT *, now() + make_interval(secs => $5) FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])`,
    [...columns(proofs, ['digest', 'person_id', 'session_id', 'purpose']), seconds]
  )
}

interface HeldRow {
  person_id: string
  purpose: string
  holder: string
  amount: number
  currency: string
}

const heldKey = (row: HeldRow | Hold): string => JSON.stringify([row.holder, row.person_id, row.purpose, row.amount, row.currency])

/** Which of these holders have a proof already, of this person, purpose and amount: spent, expired or neither. */
async function heldBefore(db: Queryable, holds: readonly Hold[]): Promise<Set<string>> {
  const rows = await db.query<HeldRow>('SELECT person_id, purpose, holder, amount, currency FROM auth.proof WHERE holder = ANY($1)', [holds.map((h) => h.holder)])
  return new Set(rows.map(heldKey))
}

/**
 * Takes the proofs that are free. Rows are locked in order, so batches of two threads cannot wait for each other; of several asks
 * for one proof the first valid one gets it; an ask is matched with all of its row, so a wrong session takes nothing from a right one.
 */
async function takeFree(db: Queryable, holds: readonly Hold[]): Promise<Set<string>> {
  const rows = await db.query<HeldRow>(
    `WITH ask AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[]) WITH ORDINALITY
                    AS a (digest, person_id, session_id, purpose, holder, amount, currency, n)),
          locked AS (SELECT digest FROM auth.proof WHERE digest = ANY($1) ORDER BY digest FOR UPDATE),
          first AS (SELECT DISTINCT ON (a.digest) a.* FROM ask a JOIN auth.proof p USING (digest, person_id, session_id, purpose) ORDER BY a.digest, a.n)
     UPDATE auth.proof p SET holder = first.holder, amount = first.amount, currency = first.currency
     FROM first JOIN locked USING (digest)
     WHERE p.digest = first.digest AND p.holder IS NULL AND p.spent_at IS NULL AND p.expires_at > now()
       AND NOT EXISTS (SELECT FROM auth.proof h WHERE h.holder = first.holder)
     RETURNING p.person_id, p.purpose, p.holder, p.amount, p.currency`,
    columns(holds, ['digest', 'person_id', 'session_id', 'purpose', 'holder', 'amount', 'currency'])
  )
  return new Set(rows.map(heldKey))
}

/** For each ask whether its holder holds a proof now. Idempotent by holder: what was held before is held still. */
export async function holdProofs(db: Queryable, holds: readonly Hold[]): Promise<boolean[]> {
  const held = await takeFree(db, holds)
  const missed = holds.filter((hold) => !held.has(heldKey(hold)))
  for (const key of missed.length > 0 ? await heldBefore(db, missed) : []) held.add(key)
  return holds.map((hold) => held.has(heldKey(hold)))
}

export async function spendProofs(db: Queryable, holders: readonly string[]): Promise<void> {
  await db.query('UPDATE auth.proof SET spent_at = coalesce(spent_at, now()) WHERE holder = ANY($1)', [holders])
}

export async function freeProofs(db: Queryable, holders: readonly string[]): Promise<void> {
  await db.query('UPDATE auth.proof SET holder = NULL, amount = NULL, currency = NULL WHERE holder = ANY($1) AND spent_at IS NULL', [holders])
}
