import { MongoBulkWriteError, MongoClient, MongoServerError, type Collection as MongoCollection, type Filter } from 'mongodb'
import { Batcher } from '../batch/batcher.ts'
import { inTime } from '../primitives/in-time.ts'
import { problem } from '../primitives/problem.ts'
import type { Collection, Document, DocumentStore } from './port.ts'

/** A request gets its answer within this, or is `unavailable`. */
const PATIENCE_MS = 4_000
/** How much of it a request spends on waiting for a server that can be written to. */
const FINDING_MS = 1_500
/** A connection that owes an answer and hears nothing for so long is given up. */
const SILENCE_MS = 3_000
const WAITING_MAX = 20_000
const BATCH = { max: 128, inFlight: 2, maxWaiting: WAITING_MAX, full: () => problem('overloaded', 'Too many requests wait for the store: try again shortly.', { retryAfter: 1 }) }

const DUPLICATE_KEY = 11_000

/** A NUL or half of a surrogate pair in a JSON text, which PostgreSQL refuses; the beginning tells them from an escaped backslash before the same letters. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** A document as it lies in MongoDB. `unique` holds every unique field of it, so that their indexes can be total. */
interface Stored {
  _id: string
  version: number
  unique: Record<string, string>
  doc: Record<string, unknown>
}

const unavailable = (cause?: unknown): Error => Object.assign(problem('unavailable', 'The store does not answer: try again shortly.', { retryAfter: 1 }), { cause })

/** What the server refuses because of the request; everything else that the driver rejects with is a fault of the way or of the moment. */
const REFUSALS = new Set([2, 9, 14, 17_419, 10_334, DUPLICATE_KEY])
const translated = (error: unknown): unknown => {
  if (error instanceof MongoServerError) return REFUSALS.has(Number(error.code)) ? error : unavailable(error)
  return error instanceof Error && error.name.startsWith('Mongo') ? unavailable(error) : error
}

const isDuplicate = (error: unknown): boolean => error instanceof MongoServerError && error.code === DUPLICATE_KEY

/** One client with its connections: writes are answered when the majority of a replica set has them in its journal. */
export const connectMongo = (url: string): MongoClient =>
  new MongoClient(url, {
    appName: 'souk',
    maxPoolSize: 16,
    serverSelectionTimeoutMS: FINDING_MS,
    connectTimeoutMS: FINDING_MS,
    waitQueueTimeoutMS: PATIENCE_MS,
    socketTimeoutMS: SILENCE_MS,
    writeConcern: { w: 'majority', journal: true }
  })

/** How a unique field lies in its index: its value, or for a document without it something that no other document has. */
const uniqueValue = (value: unknown, id: string): string => (typeof value === 'string' ? `=${value}` : `-${id}`)

/**
 * Documents in a MongoDB collection, named `<schema>.<collection>` in the database of the URL: `{ _id, version, unique, doc }`. Compare-and-set
 * is by filter; nothing is used that a compatible server lacks: no transactions, partial indexes or time to live.
 * A write is answered when the majority has it; reads are of the primary. `get`s and `insert`s of one event-loop turn go as one request.
 * Gap: a primary that was cut off and does not know it yet may answer a read from before the latest writes; what is decided on
 * it is refused by its version.
 */
export class MongoDocuments<T extends Document> implements DocumentStore<T> {
  readonly #declared: Collection
  readonly #documents: MongoCollection<Stored>
  readonly #gets: Batcher<string, T | null>
  readonly #inserts: Batcher<Stored, 'done' | 'exists'>
  #waiting = 0
  #made: Promise<void> | undefined

  constructor(client: MongoClient, schema: string, collection: Collection) {
    this.#declared = collection
    this.#documents = client.db().collection<Stored>(`${schema}.${collection.name}`, { ignoreUndefined: true })
    this.#gets = new Batcher((ids) => this.#read(ids), { ...BATCH, max: 256 })
    this.#inserts = new Batcher((some) => this.#insert(some), BATCH)
  }

  ready(): Promise<void> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined
      throw error
    })
    return this.#made
  }

  get(id: string): Promise<T | null> {
    return this.#gets.add(id)
  }

  async insert(doc: T): Promise<'done' | 'exists'> {
    return this.#inserts.add(this.#stored(doc, 1))
  }

  async replace(doc: T, ifVersion: number): Promise<boolean> {
    const { _id, ...rest } = this.#stored(doc, ifVersion + 1)
    try {
      const { matchedCount } = await this.#ask(() => this.#documents.replaceOne({ _id, version: ifVersion }, rest))
      return matchedCount === 1
    } catch (error) {
      throw isDuplicate(error) ? problem('conflict', `Another document of ${this.#declared.name} has this value already.`) : error
    }
  }

  async find(where: { readonly [field: string]: string }, { after, limit, descending = false }: { after?: string | undefined; limit: number; descending?: boolean }): Promise<T[]> {
    const filter: Record<string, unknown> = {}
    for (const [field, value] of Object.entries(where)) filter[this.#path(field)] = this.#declared.unique.includes(field) ? uniqueValue(value, '') : value
    if (after !== undefined) filter['_id'] = descending ? { $lt: after } : { $gt: after }
    return this.#select(filter, { _id: descending ? -1 : 1 }, limit)
  }

  async upTo(field: string, bound: string, limit: number): Promise<T[]> {
    const path = this.#path(field)
    const isUnique = this.#declared.unique.includes(field)
    return this.#select({ [path]: isUnique ? { $gte: '=', $lte: uniqueValue(bound, '') } : { $lte: bound } }, { [path]: 1, _id: 1 }, limit)
  }

  async #select(filter: Record<string, unknown>, sort: Record<string, 1 | -1>, limit: number): Promise<T[]> {
    if (limit < 1) return [] // to MongoDB no limit at all
    const found = await this.#ask(() => this.#documents.find(filter as Filter<Stored>).sort(sort).limit(limit).toArray())
    return found.map((stored) => this.#document(stored))
  }

  async #read(ids: string[]): Promise<(T | null)[]> {
    const found = await this.#ask(() => this.#documents.find({ _id: { $in: [...new Set(ids)] } }).toArray())
    const byId = new Map(found.map((stored) => [stored._id, stored]))
    const given = new Set<string>()
    return ids.map((id) => {
      const stored = byId.get(id)
      if (!stored) return null
      const own = given.has(id) ? structuredClone(stored) : stored // none sees another reader's changes
      given.add(id)
      return this.#document(own)
    })
  }

  async #insert(some: Stored[]): Promise<('done' | 'exists' | Error)[]> {
    const results = new Array<'done' | 'exists' | Error>(some.length).fill('done')
    try {
      await this.#ask(() => this.#documents.insertMany(some, { ordered: false }))
    } catch (error) {
      const refused = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : []
      if (refused.length === 0) throw error
      for (const { index, code, errmsg } of refused) results[index] = code === DUPLICATE_KEY ? 'exists' : new Error(errmsg ?? `MongoDB refused a document (${code})`)
    }
    return results
  }

  /** JSON is what a document is: whatever turns into something else on its way there does so here, too. */
  #stored({ id, ...doc }: T, version: number): Stored {
    const json = JSON.stringify({ ...doc, version: undefined })
    if (UNSTORABLE.test(json) || UNSTORABLE.test(JSON.stringify(id))) throw new RangeError('a document holds no NUL and no half of a character')
    const clean = JSON.parse(json) as Record<string, unknown>
    return { _id: id, version, unique: Object.fromEntries(this.#declared.unique.map((field) => [field, uniqueValue(clean[field], id)])), doc: clean }
  }

  #document({ _id, version, doc }: Stored): T {
    return { ...doc, id: _id, version } as unknown as T
  }

  #path(field: string): string {
    const { name, unique, indexed } = this.#declared
    if (unique.includes(field)) return `unique.${field}`
    if (!indexed.includes(field)) throw new RangeError(`${name} is not indexed by "${field}"`)
    return `doc.${field}`
  }

  /** Bounded in time and in number; a request that has indexes to rely on waits for them. */
  async #ask<R>(request: () => Promise<R>): Promise<R> {
    if (this.#waiting >= WAITING_MAX) throw BATCH.full()
    this.#waiting++
    try {
      return await inTime(PATIENCE_MS, this.ready().then(request), unavailable)
    } catch (error) {
      throw translated(error)
    } finally {
      this.#waiting--
    }
  }

  /** Indexes that are there already cost nothing; threads that start together may all make them. */
  async #make(): Promise<void> {
    const { unique, indexed } = this.#declared
    const indexes = [...unique.map((field) => ({ key: { [this.#path(field)]: 1 as const }, unique: true })), ...indexed.map((field) => ({ key: { [this.#path(field)]: 1 as const, _id: 1 as const } }))]
    try {
      if (indexes.length > 0) await this.#documents.createIndexes(indexes)
    } catch (error) {
      throw translated(error)
    }
  }
}
