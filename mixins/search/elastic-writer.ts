import type { Client, estypes } from '@elastic/elasticsearch'
import { ask, unavailable } from './elastic-client.ts'
import { sourceOf } from './elastic-index.ts'
import type { ElasticGenerations, Generation, Generations } from './elastic-generations.ts'
import { newest, type Write } from './write.ts'

/** Documents of one request. */
const BATCH = 400
/** Times that the generations may change while one batch is written. */
const CHANGES_MAX = 10
/** A refusal for this says that there is something newer already: nothing is to be done. */
const NEWER = 'version_conflict_engine_exception'
/** The generation is gone: given up, or replaced. */
const GONE = 'index_not_found_exception'

/** Writes documents, each ordered by its own version, into generations. */
export class ElasticWriter {
  readonly #client: Client
  readonly #generations: ElasticGenerations

  constructor(client: Client, generations: ElasticGenerations) {
    this.#client = client
    this.#generations = generations
  }

  /**
   * Writes to what serves and to what is being built. The record is read again afterwards, and what has begun meanwhile is written
   * too: so a build that begins after this has resolved reads a source that has these documents, and one that began before has them.
   */
  async writeAll(writes: readonly Write[]): Promise<void> {
    const written = new Set<string>()
    for (let round = 0; round < CHANGES_MAX; round++) {
      const missing = targets(await this.#generations.now()).filter(({ name }) => !written.has(name))
      if (missing.length === 0) return
      for (const generation of missing) if (await this.write(writes, generation)) written.add(generation.name)
    }
    throw unavailable()
  }

  /** Writes to one generation; false when it is gone. */
  async write(writes: readonly Write[], { name, definition }: Generation): Promise<boolean> {
    const all = newest(writes)
    for (let at = 0; at < all.length; at += BATCH) {
      const operations = all.slice(at, at + BATCH).flatMap((write) => [{ index: { _id: write.id, version: write.version, version_type: 'external' as const } }, sourceOf(write, definition)])
      const { errors, items } = await ask('write', this.#client.bulk({ index: name, require_alias: true, operations, filter_path: ['errors', 'items.*.error', 'items.*.status'] }))
      if (errors && !settled(items)) return false
    }
    return true
  }
}

const targets = ({ live, building }: Generations): Generation[] => (building ? [live, building] : [live])

/** False when the generation is gone; throws for whatever else is no matter of versions. */
function settled(items: readonly Partial<Record<estypes.BulkOperationType, estypes.BulkResponseItem>>[]): boolean {
  for (const { index } of items) {
    const error = index?.error
    if (!error || error.type === NEWER) continue
    if (error.type === GONE) return false
    if (index.status === 429 || index.status >= 500) throw unavailable(error)
    throw new Error(`the search engine refused a document: ${error.type}: ${error.reason ?? ''}`)
  }
  return true
}
