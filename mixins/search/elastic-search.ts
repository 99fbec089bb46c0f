import type { Client, estypes } from '@elastic/elasticsearch'
import { ElasticBuild } from './elastic-build.ts'
import { ask, isMissing, unavailable } from './elastic-client.ts'
import { ElasticGenerations } from './elastic-generations.ts'
import { correctionsBody, facetsOf, keywordsOf, searchBody, suggestBody, unknownsOf } from './elastic-query.ts'
import { ElasticWriter } from './elastic-writer.ts'
import { took } from './metrics.ts'
import type { IndexBuild, IndexDefinition, IndexedDocument, SearchIndex, SearchQuery, SearchResult, Suggestion } from './port.ts'
import { checkDefinition, checkQuery, madeBy, searchForgiving } from './query.ts'
import { suggestionsOf } from './suggestions.ts'
import { corrected, parseText, Synonyms, type Demand } from './text-query.ts'
import type { Write } from './write.ts'

/** Times a read is begun anew because the index was switched under it. */
const SWITCHES_MAX = 5

/** Of every search. One preference for all: pages and counts of one search come from one copy of the index. */
export const READING = { preference: 'souk', allow_partial_search_results: false }

interface Held {
  doc: IndexedDocument['doc']
  removed?: boolean
}

/**
 * Search in Elasticsearch. A search is one request on the alias of the generation that serves, which is switched for all nodes at once. A
 * mistyped word costs one request more, and only where nothing was found. What was put is found within a second or so; `get` finds
 * it at once.
 * Gap: an index is one shard, so that counts are exact; `touchedAt` of a build is told by the clocks of the nodes.
 */
export class ElasticSearch implements SearchIndex {
  readonly #client: Client
  readonly #definition: IndexDefinition
  readonly #synonyms: Synonyms
  readonly #generations: ElasticGenerations
  readonly #writer: ElasticWriter
  readonly #close: () => Promise<void>
  #opened: Promise<void> | null = null

  constructor(client: Client, definition: IndexDefinition, close: () => Promise<void>) {
    checkDefinition(definition)
    this.#client = client
    this.#definition = definition
    this.#synonyms = new Synonyms(definition.synonyms)
    this.#generations = new ElasticGenerations(client, definition)
    this.#writer = new ElasticWriter(client, this.#generations)
    this.#close = close
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
    const wanted = suggestBody(prefix, limit, this.#definition)
    if (!wanted) return []
    const { hits, aggregations } = await this.#read<{ title: string }>('suggest', wanted.body)
    const documents = hits.hits.map(({ _id, _source }): [string, string] => [_id!, _source!.title])
    return suggestionsOf(this.#definition, prefix, documents, keywordsOf(wanted.starts, this.#definition, aggregations), limit)
  }

  async build(): Promise<IndexBuild> {
    await this.#open()
    const generation = await this.#generations.begin()
    await ask('write', this.#client.indices.refresh({ index: this.#generations.alias })) // who reads the documents from here finds all that were put before
    return new ElasticBuild(this.#generations, this.#writer, generation)
  }

  async isCurrent(): Promise<boolean> {
    const { live } = await this.#generations.now()
    return live.built && madeBy(live.definition) === madeBy(this.#definition)
  }

  async scan(after: string | undefined, limit: number): Promise<IndexedDocument[]> {
    const { hits } = await this.#read<Held>('scan', {
      query: { term: { removed: false } },
      sort: [{ id: { order: 'asc' } }],
      ...(after === undefined ? {} : { search_after: [after] }),
      size: limit,
      track_total_hits: false,
      _source: ['doc'],
      version: true
    })
    return hits.hits.map(({ _id, _version, _source }) => ({ id: _id!, version: _version!, doc: _source!.doc }))
  }

  async get(ids: readonly string[]): Promise<IndexedDocument[]> {
    if (ids.length === 0) return []
    const { docs } = await this.#onLive('get', () => this.#client.mget<Held>({ index: this.#generations.alias, ids: [...ids], _source_includes: ['doc', 'removed'] }))
    if (docs.some((doc) => 'error' in doc)) throw unavailable()
    return docs.flatMap((doc) => ('found' in doc && doc.found && !doc._source!.removed ? [{ id: doc._id, version: doc._version!, doc: doc._source!.doc }] : []))
  }

  close(): Promise<void> {
    return this.#close()
  }

  async #write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return
    const from = performance.now()
    await this.#writer.writeAll(writes)
    took.put.observe((performance.now() - from) / 1_000)
  }

  async #search(query: SearchQuery, demands: readonly Demand[]): Promise<SearchResult> {
    const { hits, aggregations } = await this.#read('query', searchBody(query, this.#definition, demands))
    return {
      hits: hits.hits.map(({ _id, sort }) => ({ id: _id!, position: sort as (string | number)[] })),
      total: (hits.total as estypes.SearchTotalHits).value,
      facets: facetsOf(query, this.#definition, aggregations)
    }
  }

  /** The demands with each word that the index does not hold replaced by what was meant; null when no word is to be replaced, or one cannot. */
  async #correct(demands: readonly Demand[]): Promise<Demand[] | null> {
    const typed = demands.flatMap((d) => d.typed ?? [])
    const unknown = unknownsOf(typed, await this.#read('correct', correctionsBody(typed)))
    if (unknown.size === 0) return null
    const meant = demands.map((demand) => {
      const found = demand.typed === null ? undefined : unknown.get(demand.typed)
      return found ? corrected(found, this.#synonyms) : demand
    })
    return meant.every((demand) => demand !== null) ? meant : null
  }

  #read<D>(op: string, body: estypes.SearchRequest): Promise<estypes.SearchResponse<D>> {
    return this.#onLive(op, () => this.#client.search<D>({ index: this.#generations.alias, ...READING, ...body }))
  }

  /** Reads from the generation that serves; begins anew where it was replaced under the request. */
  async #onLive<T>(op: string, request: () => Promise<T>): Promise<T> {
    const from = performance.now()
    for (let attempt = 1; ; attempt++) {
      await this.#open()
      try {
        const answer = await ask('read', request())
        if (op in took) took[op as keyof typeof took].observe((performance.now() - from) / 1_000)
        return answer
      } catch (error) {
        if (attempt >= SWITCHES_MAX) throw isMissing(error) ? unavailable(error) : error
        if (isMissing(error)) this.#opened = null
        else if (!isReplaced(error)) throw error
      }
    }
  }

  /** Makes sure once that there is something that serves. */
  #open(): Promise<void> {
    this.#opened ??= this.#generations.open().catch((error: unknown) => {
      this.#opened = null
      throw error
    })
    return this.#opened
  }
}

/** The index was deleted while the search was under way: the alias leads to another one by now. */
const isReplaced = (error: unknown): boolean => {
  const body = (((error as { cause?: unknown }).cause ?? error) as { body?: { error?: { type?: string; caused_by?: { type?: string }; failed_shards?: { reason?: { type?: string } }[] } } }).body?.error
  const types = [body?.type, body?.caused_by?.type, ...(body?.failed_shards ?? []).map((shard) => shard.reason?.type)]
  return types.some((type) => type === 'index_not_found_exception' || type === 'shard_not_found_exception' || type === 'no_shard_available_action_exception' || type === 'index_closed_exception')
}
