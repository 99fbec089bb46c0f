import type { Database, Queryable } from '../postgres/database.ts'
import { problem } from '../primitives/problem.ts'
import type { IndexBuild, IndexDefinition, IndexedDocument } from './port.ts'
import { createGeneration, dropTables, generationsOf, lockIndex, settleTables, tablesOf, type Generation } from './postgres-tables.ts'
import type { PostgresWriter } from './postgres-writer.ts'

/** A build that has not written for so long is taken for dead. */
const TAKEN_OVER_AFTER_S = 60

/** The index's lock orders everything: a put sees a build from its beginning or not at all, and never the moment of the switch. */
export class PostgresBuild implements IndexBuild {
  readonly #db: Database
  readonly #definition: IndexDefinition
  readonly #writer: PostgresWriter
  readonly #generation: number

  private constructor(db: Database, definition: IndexDefinition, writer: PostgresWriter, generation: number) {
    this.#db = db
    this.#definition = definition
    this.#writer = writer
    this.#generation = generation
  }

  static async begin(db: Database, definition: IndexDefinition, writer: PostgresWriter): Promise<PostgresBuild> {
    const generation = await db.tx(async (tx) => {
      await lockIndex(tx, definition.name)
      const [live, other] = await generationsOf(tx, definition.name)
      if (other && other.idleSeconds < TAKEN_OVER_AFTER_S) throw problem('conflict', 'This index is being built already: wait until that is done.')
      if (other) await forget(tx, other)
      return createGeneration(tx, definition, live!.slot === 'a' ? 'b' : 'a', 'building')
    })
    return new PostgresBuild(db, definition, writer, generation)
  }

  async put(documents: readonly IndexedDocument[]): Promise<void> {
    await this.#writer.write(documents, (generations) => [this.#ours(generations)])
    await this.#db.query('UPDATE search.generation SET touched_at = now() WHERE index = $1 AND generation = $2', [this.#definition.name, this.#generation])
  }

  async switch(): Promise<void> {
    const { slot, definition } = this.#ours(await generationsOf(this.#db, this.#definition.name))
    await settleTables(this.#db, tablesOf(definition, slot), definition)
    const old = await this.#db.tx(async (tx) => {
      await lockIndex(tx, this.#definition.name)
      const generations = await generationsOf(tx, this.#definition.name)
      this.#ours(generations)
      const [live] = generations
      await tx.query(`DELETE FROM search.generation WHERE index = $1 AND state = 'live'`, [this.#definition.name])
      await tx.query(`UPDATE search.generation SET state = 'live', built = true WHERE index = $1 AND generation = $2`, [this.#definition.name, this.#generation])
      return live!
    })
    await this.#drop(old).catch(() => {}) // what stays is dropped by the next build
  }

  async abandon(): Promise<void> {
    await this.#db.tx(async (tx) => {
      await lockIndex(tx, this.#definition.name)
      await forget(tx, this.#ours(await generationsOf(tx, this.#definition.name)))
    })
  }

  #ours(generations: readonly Generation[]): Generation {
    const ours = generations.find(({ generation, state }) => generation === this.#generation && state === 'building')
    if (!ours) throw problem('conflict', 'This build was given up, or another one has taken its place.')
    return ours
  }

  /** Drops what served before. Searches that had begun on it end first. */
  async #drop({ slot, generation, definition }: Generation): Promise<void> {
    await this.#db.tx(async (tx) => {
      await lockIndex(tx, this.#definition.name)
      const inUse = (await generationsOf(tx, this.#definition.name)).some((g) => g.slot === slot && g.generation !== generation)
      if (!inUse) await tx.query(dropTables(tablesOf(definition, slot)), [], { prepare: false })
    })
  }
}

/** Ends a build that does not serve. The index is locked. */
async function forget(tx: Queryable, { generation, slot, definition }: Generation): Promise<void> {
  await tx.query('DELETE FROM search.generation WHERE index = $1 AND generation = $2', [definition.name, generation])
  await tx.query(dropTables(tablesOf(definition, slot)), [], { prepare: false })
}
