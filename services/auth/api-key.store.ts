import type { Queryable } from '../../mixins/postgres/database.ts'
import type { Person } from './person.store.ts'

export interface ApiKey {
  id: string
  name: string
  created_at: string
  last_used_at: string | null
}

const COLUMNS = 'id, name, created_at, last_used_at'

/** Inserts a key; null when the person has `max` already. The person's row must be locked. */
export async function insertApiKey(tx: Queryable, id: string, personId: string, name: string, digest: string, max: number): Promise<ApiKey | null> {
  const rows = await tx.query<ApiKey>(
    `INSERT INTO auth.api_key (id, person_id, name, digest) SELECT $1, $2, $3, $4
     WHERE (SELECT count(*) FROM auth.api_key WHERE person_id = $2 AND removed_at IS NULL) < $5 RETURNING ${COLUMNS}`,
    [id, personId, name, digest, max]
  )
  return rows[0] ?? null
}

/** A person's living keys, oldest first, from after `after`. */
export async function listApiKeys(db: Queryable, personId: string, after: string | null, limit: number): Promise<ApiKey[]> {
  return db.query<ApiKey>(`SELECT ${COLUMNS} FROM auth.api_key WHERE person_id = $1 AND removed_at IS NULL AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $3`, [personId, after, limit])
}

/** Ends a key. Answers its digest and whether it lived until now; null when the person never had it. */
export async function removeApiKey(tx: Queryable, id: string, personId: string): Promise<{ digest: string; lived: boolean } | null> {
  const rows = await tx.query<{ digest: string; lived: boolean }>(
    `UPDATE auth.api_key k SET removed_at = coalesce(k.removed_at, now()) FROM auth.api_key old
     WHERE k.id = $1 AND k.person_id = $2 AND old.id = k.id RETURNING k.digest, old.removed_at IS NULL AS lived`,
    [id, personId]
  )
  return rows[0] ?? null
}

/** Living keys of a person: digests with their ids. */
export async function livingKeys(db: Queryable, personId: string): Promise<{ id: string; digest: string }[]> {
  return db.query('SELECT id, digest FROM auth.api_key WHERE person_id = $1 AND removed_at IS NULL', [personId])
}

/** Whose a living key is, marking its use; null when there is none. */
export async function useApiKey(db: Queryable, digest: string): Promise<({ key_id: string } & Pick<Person, 'id' | 'roles' | 'site' | 'version'>) | null> {
  const rows = await db.query<{ key_id: string } & Pick<Person, 'id' | 'roles' | 'site' | 'version'>>(
    `UPDATE auth.api_key k SET last_used_at = now() FROM auth.person p
     WHERE k.digest = $1 AND k.removed_at IS NULL AND p.id = k.person_id RETURNING k.id AS key_id, p.id, p.roles, p.site, p.version`,
    [digest]
  )
  return rows[0] ?? null
}
