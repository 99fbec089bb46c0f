import { isConnectionError, type Database } from '../postgres/database.ts'
import { Places } from '../primitives/places.ts'
import { problem } from '../primitives/problem.ts'
import { took } from './metrics.ts'
import type { IndexBuild, IndexDefinition, IndexedDocument, SearchIndex, SearchQuery, SearchResult, Suggestion } from './port.ts'
import { PostgresBuild } from './postgres-build.ts'
import { countsOf, facetsOf, TagNames, type Counts } from './postgres-facets.ts'
import { documentsStatement, searchStatement, suggestStatement, tsqueryText, unknownWordsStatement, type SearchRow } from './postgres-query.ts'
import { createGeneration, generationsOf, lockIndex, tablesOf, type Generation } from './postgres-tables.ts'
import { PostgresWriter } from './postgres-writer.ts'
import { checkDefinition, checkQuery, isWanted, madeBy, searchForgiving } from './query.ts'
import { suggestionsOf, type SuggestedKeyword } from './suggestions.ts'
import { corrected, parseText, Synonyms, type Demand, type Unknown } from './text-query.ts'
import { wordsOf } from './words.ts'

/** Times a read is begun anew because the index was switched under it. */
const SWITCHES_MAX = 5
/** Reads of an index at once, on one thread: fewer than the thread has connections, for what else it does must not wait behind slow searches. */
const READS_MAX = 3
/** A read that has waited so long for its turn is refused: where more is asked than can be done, what is answered is still answered soon. */
const PATIENCE_MS = 2_000
/** PostgreSQL's codes for a table or column that is not there: the tables of a generation that was dropped, or made anew by another definition. */
const DROPPED = ['42P01', '42703']

/**
 * Search in PostgreSQL. A search is one statement on the generation that serves; every answer says which generation that is in its
 * own snapshot, and one that came from another is asked again, so a switch holds at once everywhere without being announced. A
 * mistyped word costs two statements more, and only where nothing was found. What was put is found by every statement that
 * starts after `put` has resolved.
 */
export class PostgresSearch implements SearchIndex {
  readonly #db: Database
  readonly #definition: IndexDefinition
  readonly #synonyms: Synonyms
  readonly #writer: PostgresWriter
  readonly #reads = new Places(READS_MAX, { patienceMs: PATIENCE_MS, full: () => problem('overloaded', 'Too many searches wait: try again shortly.', { retryAfter: 1 }) })
  #live: Promise<Generation> | null = null
  #names: TagNames | null = null

  constructor(db: Database, definition: IndexDefinition) {
    checkDefinition(definition)
    this.#db = db
    this.#definition = definition
    this.#synonyms = new Synonyms(definition.synonyms)
    this.#writer = new PostgresWriter(db, definition.name)
  }

  async put(documents: readonly IndexedDocument[]): Promise<void> {
    await this.#write(documents)
  }

  async remove(documents: readonly { id: string; version: number }[]): Promise<void> {
    await this.#write(documents.map((d) => ({ ...d, doc: null })))
  }

  async query(query: SearchQuery): Promise<SearchResult> {
    checkQuery(query, this.#definition)
    return searchForgiving(parseText(query.text ?? '', this.#synonyms), (demands) => this.#search(query, demands), (demands) => this.#correct(demands))
  }

  async suggest(prefix: string, limit: number): Promise<Suggestion[]> {
    const words = wordsOf(prefix).flatMap(({ word, parts }) => parts ?? [word])
    if (words.length === 0) return []
    const starts = words.map((word) => `${word}:*`).join(' & ')
    const short = words.every((word) => word.length < 3)
    const { keywords, documents } = await this.#read('suggest', async (generation) => {
      const [row] = await this.#db.query<{ live: number | null; keywords: SuggestedKeyword[] | null; documents: [string, string][] | null }>(
        suggestStatement(generation, short), [starts, limit, this.#definition.name]
      )
      return { live: row!.live, answer: row! }
    })
    return suggestionsOf(this.#definition, prefix, documents ?? [], keywords ?? [], limit)
  }

  async build(): Promise<IndexBuild> {
    await this.#generation() // there is one that serves
    return this.#guard(PostgresBuild.begin(this.#db, this.#definition, this.#writer))
  }

  async isCurrent(): Promise<boolean> {
    this.#live = null
    const { built, definition } = await this.#generation()
    return built && madeBy(definition) === madeBy(this.#definition)
  }

  scan(after: string | undefined, limit: number): Promise<IndexedDocument[]> {
    return this.#documents('id > $1', after ?? '', limit)
  }

  get(ids: readonly string[]): Promise<IndexedDocument[]> {
    return this.#documents('id = ANY($1)', ids, ids.length)
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  async #write(writes: readonly { id: string; version: number; doc: IndexedDocument['doc'] | null }[]): Promise<void> {
    const from = performance.now()
    await this.#generation()
    await this.#guard(this.#writer.write(writes, (generations) => generations))
    took.put.observe((performance.now() - from) / 1_000)
  }

  #documents(condition: Parameters<typeof documentsStatement>[1], ids: unknown, limit: number): Promise<IndexedDocument[]> {
    return this.#read('documents', async (generation) => {
      const [row] = await this.#db.query<{ live: number | null; documents: IndexedDocument[] | null }>(documentsStatement(generation, condition), [ids, limit, this.#definition.name])
      return { live: row!.live, answer: row!.documents ?? [] }
    })
  }

  #search(query: SearchQuery, demands: readonly Demand[]): Promise<SearchResult> {
    return this.#read('query', async (generation) => {
      const statement = searchStatement(query, generation, demands)
      const [row] = await this.#db.query<SearchRow>(statement.text, statement.values)
      const facets = await this.#named(generation, countsOf(row!, statement), isWanted(query, generation.definition))
      return {
        live: row!.live,
        answer: {
          hits: (row!.page ?? []).map(([id, key]) => ({ id, position: [key, id] })),
          total: row!.total,
          facets: { ...Object.fromEntries(query.facets.map((field) => [field, []])), ...facets }
        }
      }
    })
  }

  /** Facets with their values' names; those that this thread has not met are learned first. */
  async #named({ generation, slot, definition }: Generation, counts: ReadonlyMap<string, Counts>, wanted: (field: string) => boolean): Promise<SearchResult['facets']> {
    const names = this.#names?.generation === generation ? this.#names : (this.#names = new TagNames(generation, tablesOf(definition, slot).tag))
    const known = facetsOf(counts, names, wanted, definition.attributes)
    if (known) return known
    await names.learn(this.#db)
    return facetsOf(counts, names, wanted, definition.attributes) ?? {}
  }

  /** The demands with each word that the index does not hold replaced by what was meant; null when no word is to be replaced, or one cannot. */
  async #correct(demands: readonly Demand[]): Promise<Demand[] | null> {
    const typed = demands.filter((d) => d.typed !== null)
    const unknown = await this.#read('correct', async (generation) => {
      const rows = await this.#db.query<{ typed: string; stem: string; word: string | null; wordStem: string | null }>(
        unknownWordsStatement(generation), [typed.map((d) => d.typed), typed.map((d) => tsqueryText([d]))]
      )
      return { live: generation.generation, answer: unknownsOf(rows) } // a switch meanwhile gives worse corrections at most
    })
    if (unknown.size === 0) return null
    const meant = demands.map((demand) => {
      const found = demand.typed === null ? undefined : unknown.get(demand.typed)
      return found ? corrected(found, this.#synonyms) : demand
    })
    return meant.every((demand) => demand !== null) ? meant : null
  }

  /** Reads from the generation that serves, by what the answer itself says of it; begins anew where that was another one. */
  async #read<T>(op: string, ask: (generation: Generation) => Promise<{ live: number | null; answer: T }>): Promise<T> {
    const from = performance.now()
    for (let attempt = 0; attempt < SWITCHES_MAX; attempt++) {
      const generation = await this.#generation()
      try {
        const { live, answer } = await this.#guard(this.#reads.run(() => ask(generation)))
        if (live === generation.generation) {
          if (op in took) took[op as keyof typeof took].observe((performance.now() - from) / 1_000)
          return answer
        }
      } catch (error) {
        if (!DROPPED.includes(String((error as { code?: unknown }).code))) throw error // else another one serves
      }
      this.#live = null
    }
    throw unavailable()
  }

  /** The generation that serves, as far as this thread knows; made empty where the index is new. */
  #generation(): Promise<Generation> {
    this.#live ??= this.#guard(this.#open()).catch((error: unknown) => {
      this.#live = null
      throw error
    })
    return this.#live
  }

  async #open(): Promise<Generation> {
    const live = (generations: readonly Generation[]): Generation | undefined => generations.find(({ state }) => state === 'live')
    const found = live(await generationsOf(this.#db, this.#definition.name))
    if (found) return found
    return this.#db.tx(async (tx) => {
      await lockIndex(tx, this.#definition.name)
      if (!live(await generationsOf(tx, this.#definition.name))) await createGeneration(tx, this.#definition, 'a', 'live')
      return live(await generationsOf(tx, this.#definition.name))!
    })
  }

  async #guard<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      throw isConnectionError(error) ? unavailable() : error
    }
  }
}

const unavailable = (): Error => problem('unavailable', 'The search index does not answer: try again shortly.', { retryAfter: 1 })

function unknownsOf(rows: readonly { typed: string; stem: string; word: string | null; wordStem: string | null }[]): Map<string, Unknown> {
  const unknown = new Map<string, { typed: string; stem: string; candidates: { word: string; stem: string }[] }>()
  for (const { typed, stem, word, wordStem } of rows) {
    const entry = unknown.get(typed) ?? { typed, stem, candidates: [] }
    unknown.set(typed, entry)
    if (word !== null && wordStem !== null) entry.candidates.push({ word, stem: wordStem })
  }
  return unknown
}
