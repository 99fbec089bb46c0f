import { Batcher } from '../batch/batcher.ts'
import { columns, isConnectionError, isUniqueViolation, type Database } from '../postgres/database.ts'
import { problem } from '../primitives/problem.ts'
import type { Collection, Document, DocumentStore } from './port.ts'

const WAITING_MAX = 20_000
const BATCH = { max: 128, inFlight: 2, maxWaiting: WAITING_MAX, full: () => problem('overloaded', 'Too many requests wait for the store: try again shortly.', { retryAfter: 1 }) }

const NAME = /^[a-z]\w{0,40}$/i

interface Row {
  id: string
  version: number
  doc: Record<string, unknown>
}

interface Write {
  id: string
  version: number
  json: string
}

/** One order everywhere, so that two batches rarely wait for each other. */
const byId = (a: Write, b: Write): number => (a.id < b.id ? -1 : 1)

const code = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '')
/** A deadlock or the like: nothing is wrong with the statement. */
const isTransient = (error: unknown): boolean => code(error).startsWith('40')
/** What one item of a batch may cause and the others need not suffer: wrong data, a violated constraint. */
const isPoison = (error: unknown): boolean => /^2[123]/.test(code(error))

const unavailable = (error: unknown): unknown => (isConnectionError(error) ? problem('unavailable', 'The store does not answer: try again shortly.', { retryAfter: 1 }) : error)

/** Runs a batch as one statement; where one item spoils it, each by itself, so that only that one fails. */
async function run<I, O>(items: I[], statement: (items: I[]) => Promise<O[]>): Promise<(O | Error)[]> {
  try {
    return await statement(items)
  } catch (error) {
    if (!isTransient(error) && (items.length === 1 || !isPoison(error))) throw unavailable(error)
  }
  const results: (O | Error)[] = []
  for (const item of items) {
    try {
      results.push(...(await statement([item])))
    } catch (error) {
      results.push(unavailable(error) as Error)
    }
  }
  return results
}

/**
 * Documents in a PostgreSQL table of the owner's schema, one row each: `doc` as JSONB, and an expression index for every declared
 * field. Table and indexes are made from the declaration at first use. Calls of one event-loop turn go as one statement.
 */
export class PostgresDocuments<T extends Document> implements DocumentStore<T> {
  readonly #db: Database
  readonly #collection: Collection
  readonly #table: string
  readonly #gets: Batcher<string, T | null>
  readonly #inserts: Batcher<Write, 'done' | 'exists'>
  readonly #replaces: Batcher<Write, boolean>
  #made: Promise<void> | undefined

  constructor(db: Database, collection: Collection) {
    for (const name of [collection.name, ...collection.unique, ...collection.indexed]) if (!NAME.test(name)) throw new RangeError(`"${name}" cannot name a collection or a field`)
    this.#db = db
    this.#collection = collection
    this.#table = `${db.schema}.${collection.name}`
    this.#gets = new Batcher((ids) => this.#read(ids), { ...BATCH, max: 256 })
    this.#inserts = new Batcher((writes) => run(writes, (some) => this.#insert(some)), BATCH)
    this.#replaces = new Batcher((writes) => run(writes, (some) => this.#replace(some)), BATCH)
  }

  ready(): Promise<void> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined
      throw unavailable(error)
    })
    return this.#made
  }

  get(id: string): Promise<T | null> {
    return this.#gets.add(id)
  }

  insert(doc: T): Promise<'done' | 'exists'> {
    return this.#inserts.add(this.#write(doc, 1))
  }

  async replace(doc: T, ifVersion: number): Promise<boolean> {
    try {
      return await this.#replaces.add(this.#write(doc, ifVersion))
    } catch (error) {
      throw isUniqueViolation(error) ? problem('conflict', `Another document of ${this.#collection.name} has this value already.`) : error
    }
  }

  async find(where: { readonly [field: string]: string }, { after, limit, descending = false }: { after?: string | undefined; limit: number; descending?: boolean }): Promise<T[]> {
    const conditions = Object.keys(where).map((field, i) => `${this.#expression(field)} = $${i + 2}`)
    const values: unknown[] = [limit, ...Object.values(where)]
    if (after !== undefined) conditions.push(`id ${descending ? '<' : '>'} $${values.push(after)}`)
    return this.#select(`${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')} ` : ''}ORDER BY id ${descending ? 'DESC' : 'ASC'} LIMIT $1`, values)
  }

  /** The index has exactly this order, so only what is answered is read, however large the collection. */
  async upTo(field: string, bound: string, limit: number): Promise<T[]> {
    const expression = this.#expression(field)
    return this.#select(`WHERE ${expression} <= $2 ORDER BY ${expression}, id LIMIT $1`, [limit, bound])
  }

  /** Releases the connection pool. */
  close(): Promise<void> {
    return this.#db.close()
  }

  async #select(rest: string, values: readonly unknown[]): Promise<T[]> {
    await this.ready()
    const rows = await this.#ask(this.#db.query<Row>(`SELECT id, version, doc FROM ${this.#table} ${rest}`, values))
    return rows.map((row) => this.#document(row))
  }

  async #read(ids: string[]): Promise<(T | null)[]> {
    await this.ready()
    const rows = await this.#ask(this.#db.query<Row>(`SELECT id, version, doc FROM ${this.#table} WHERE id = ANY($1::text[])`, [[...new Set(ids)]]))
    const found = new Map(rows.map((row) => [row.id, row]))
    const given = new Set<string>()
    return ids.map((id) => {
      const row = found.get(id)
      if (!row) return null
      const own = given.has(id) ? structuredClone(row) : row // none sees another reader's changes
      given.add(id)
      return this.#document(own)
    })
  }

  /** One statement answers by id, so documents of one id go one after the other. */
  async #insert(writes: Write[]): Promise<('done' | 'exists')[]> {
    await this.ready()
    const results = new Map<Write, 'done' | 'exists'>()
    for (let rest = writes; rest.length > 0; ) {
      const first = new Map(rest.toReversed().map((write) => [write.id, write]))
      const round = [...first.values()].sort(byId)
      const done = await this.#db.query<{ id: string }>(
        `INSERT INTO ${this.#table} (id, version, doc) SELECT id, 1, doc FROM unnest($1::text[], $2::jsonb[]) AS n (id, doc) ON CONFLICT DO NOTHING RETURNING id`,
        columns(round, ['id', 'json'])
      )
      const ids = new Set(done.map((row) => row.id))
      for (const write of round) results.set(write, ids.has(write.id) ? 'done' : 'exists')
      rest = rest.filter((write) => !results.has(write))
    }
    return writes.map((write) => results.get(write)!)
  }

  /** Answers by ordinal: a stale and a current write of one document may share a batch. */
  async #replace(writes: Write[]): Promise<boolean[]> {
    await this.ready()
    const sorted = writes.toSorted(byId)
    const done = await this.#db.query<{ n: number }>(
      `UPDATE ${this.#table} d SET doc = w.doc, version = d.version + 1
       FROM unnest($1::text[], $2::bigint[], $3::jsonb[]) WITH ORDINALITY AS w (id, version, doc, n)
       WHERE d.id = w.id AND d.version = w.version RETURNING w.n`,
      columns(sorted, ['id', 'version', 'json'])
    )
    const replaced = new Set(done.map((row) => sorted[row.n - 1]))
    return writes.map((write) => replaced.has(write))
  }

  #write(doc: T, version: number): Write {
    return { id: doc.id, version, json: JSON.stringify({ ...doc, version: undefined }) }
  }

  #document(row: Row): T {
    return { ...row.doc, id: row.id, version: row.version } as unknown as T
  }

  #expression(field: string): string {
    if (![...this.#collection.unique, ...this.#collection.indexed].includes(field)) throw new RangeError(`${this.#collection.name} is not indexed by "${field}"`)
    return `(doc ->> '${field}') COLLATE "C"`
  }

  async #ask<R>(answer: Promise<R>): Promise<R> {
    return answer.catch((error: unknown) => {
      throw unavailable(error)
    })
  }

  /** Makes what is not there; threads that start together take turns. Looks first: making an index locks writers out even when it exists. */
  async #make(): Promise<void> {
    const { name, unique, indexed } = this.#collection
    const indexes = [
      ...unique.map((field) => ({ name: `${name}_${field}_unique`, sql: `UNIQUE INDEX %s ON ${this.#table} ((${this.#expression(field)}))`, field })),
      ...indexed.map((field) => ({ name: `${name}_${field}`, sql: `INDEX %s ON ${this.#table} ((${this.#expression(field)}), id)`, field }))
    ]
    await this.#db.tx(async (tx) => {
      await tx.query(`SELECT pg_advisory_xact_lock(hashtext($1))`, [`documents ${this.#table}`])
      const [table] = await tx.query<{ is: boolean }>('SELECT to_regclass($1) IS NOT NULL AS is', [this.#table])
      if (!table?.is) await tx.query(`CREATE TABLE ${this.#table} (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, doc jsonb NOT NULL)`, [], { prepare: false })
      const known = await tx.query<{ name: string }>('SELECT indexname AS name FROM pg_indexes WHERE schemaname = $1 AND tablename = $2', [this.#db.schema, name])
      for (const index of indexes.filter((i) => !known.some((k) => k.name === i.name.toLowerCase()))) {
        await tx.query(`CREATE ${index.sql.replace('%s', index.name)} WHERE (${this.#expression(index.field)}) IS NOT NULL`, [], { prepare: false })
      }
    })
  }
}
