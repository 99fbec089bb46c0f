import type { Client } from '@elastic/elasticsearch'
import { newId } from '../primitives/ids.ts'
import { problem } from '../primitives/problem.ts'
import { ask, isMissing, refusalOf, unavailable } from './elastic-client.ts'
import { indexBody } from './elastic-index.ts'
import type { IndexDefinition } from './port.ts'

// Generations of indexes, and which of them serve and are being built. A record per index says so, in an index of its own: it is read as
// of now, and changed by compare-and-set. Readers follow an alias, which is switched for all at once; writers follow the record.

/** One generation: an index of its own, which is reached by an alias of this name alone, so that a write to one that is gone does not make it. */
export interface Generation {
  name: string
  /** The definition that it was made by. */
  definition: IndexDefinition
}

/** What the record says. */
export interface Generations {
  live: Generation & { /** Filled by a build; false for the empty one that an index starts with. */ built: boolean }
  building: (Generation & { /** When its build last wrote, milliseconds since the epoch. */ touchedAt: number }) | null
}

/** A version of the record, for compare-and-set. */
interface Recorded {
  generations: Generations
  at: { if_seq_no: number; if_primary_term: number }
}

const RECORDS = 'souk_search_generations'
/** A build that has not written for so long is taken for dead, by the clocks of the nodes. */
const TAKEN_OVER_AFTER_MS = 60_000
const TOUCH_EVERY_MS = 5_000
const TRIES_MAX = 10

/** What readers of an index of this name follow. */
export const aliasOf = (name: string): string => `souk_search_${name.toLowerCase()}`
const indexOf = (generation: string): string => `${generation}_data`

export const givenUp = (): Error => problem('conflict', 'This build was given up, or another one has taken its place.')

/** The generations of one index. */
export class ElasticGenerations {
  readonly #client: Client
  readonly #definition: IndexDefinition
  /** The alias that readers follow. */
  readonly alias: string

  constructor(client: Client, definition: IndexDefinition) {
    this.#client = client
    this.#definition = definition
    this.alias = aliasOf(definition.name)
  }

  /** The record as of now. Makes an empty index that serves where there is none, and heals an alias that was left behind. */
  async now(): Promise<Generations> {
    return (await this.#recorded()).generations
  }

  /** Makes sure that readers find what serves. */
  async open(): Promise<void> {
    const { live } = await this.now()
    await this.#serve(live.name)
  }

  /** Begins a generation by this definition; `conflict` while another one is being built. */
  async begin(): Promise<Generation> {
    const { generations, at } = await this.#recorded()
    if (generations.building && Date.now() - generations.building.touchedAt < TAKEN_OVER_AFTER_MS) throw problem('conflict', 'This index is being built already: wait until that is done.')
    const generation = await this.#create()
    const taken = await this.#record({ ...generations, building: { ...generation, touchedAt: Date.now() } }, at)
    if (!taken) {
      await this.#delete(generation.name)
      throw problem('conflict', 'This index is being built already: wait until that is done.')
    }
    if (generations.building) await this.#delete(generations.building.name)
    return generation
  }

  /** The build of this generation goes on: said now and then. `conflict` when it was given up or taken over. */
  async goesOn(name: string): Promise<void> {
    const { building } = await this.now()
    if (building?.name !== name) throw givenUp()
    if (Date.now() - building.touchedAt > TOUCH_EVERY_MS) await this.#touch(name)
  }

  async #touch(name: string): Promise<void> {
    await this.#changeOurs(name, (generations) => ({ ...generations, building: { ...generations.building!, touchedAt: Date.now() } }))
  }

  /** Makes the generation that is being built the one that serves. */
  async switchTo(name: string): Promise<void> {
    await this.#touch(name)
    await ask('write', this.#client.indices.refresh({ index: name }))
    await this.#serve(name) // a crash from here on leaves a record that says less than is; the next build finishes it
    const before = await this.#changeOurs(name, ({ building }) => ({ live: { name, definition: building!.definition, built: true }, building: null }))
    await this.#delete(before.live.name).catch(() => {}) // what stays is in nobody's way
  }

  async abandon(name: string): Promise<void> {
    await this.#changeOurs(name, ({ live }) => ({ live, building: null }))
    await this.#delete(name)
  }

  /** Changes the record while `name` is being built; answers what it was before. */
  async #changeOurs(name: string, change: (generations: Generations) => Generations): Promise<Generations> {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const { generations, at } = await this.#recorded()
      if (generations.building?.name !== name) throw givenUp()
      if (await this.#record(change(generations), at)) return generations
    }
    throw unavailable()
  }

  async #recorded(): Promise<Recorded> {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const found = await this.#read()
      if (found) return this.#healed(found)
      await this.#initialise()
    }
    throw unavailable()
  }

  async #read(): Promise<Recorded | null> {
    try {
      const { _source, _seq_no, _primary_term } = await ask('read', this.#client.get<Generations>({ index: RECORDS, id: this.#definition.name, realtime: true }))
      return { generations: _source!, at: { if_seq_no: _seq_no!, if_primary_term: _primary_term! } }
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /** A switch that ended half way: the alias has gone over and the record has not. Only of a build that is dead. */
  async #healed(found: Recorded): Promise<Recorded> {
    const { building } = found.generations
    if (!building || Date.now() - building.touchedAt < TAKEN_OVER_AFTER_MS || (await this.#served()) !== indexOf(building.name)) return found
    await this.#record({ live: { name: building.name, definition: building.definition, built: true }, building: null }, found.at)
    return (await this.#read()) ?? found
  }

  /** The first record of this index, with an empty generation that serves. Of several who try, one succeeds. */
  async #initialise(): Promise<void> {
    await unless('resource_already_exists_exception', ask('write', this.#client.indices.create({ index: RECORDS, settings: { number_of_shards: 1, auto_expand_replicas: '0-1' }, mappings: { dynamic: false } })))
    const generation = await this.#create()
    const first: Generations = { live: { ...generation, built: false }, building: null }
    const made = await unless('version_conflict_engine_exception', ask('write', this.#client.create({ index: RECORDS, id: this.#definition.name, document: first })))
    if (made) await this.#serve(generation.name)
    else await this.#delete(generation.name)
  }

  #record(generations: Generations, at: Recorded['at']): Promise<boolean> {
    return unless('version_conflict_engine_exception', ask('write', this.#client.index({ index: RECORDS, id: this.#definition.name, document: generations, require_alias: false, ...at })))
  }

  async #create(): Promise<Generation> {
    const name = `${this.alias}_${newId()}`
    await ask('write', this.#client.indices.create({ index: indexOf(name), ...indexBody(this.#definition), aliases: { [name]: {} }, wait_for_active_shards: 1 }))
    return { name, definition: this.#definition }
  }

  /** Points the alias to this generation alone, in one step. */
  async #serve(name: string): Promise<void> {
    const index = indexOf(name)
    const served = await this.#served()
    if (served === index) return
    const remove = served === null ? [] : [{ remove: { index: served, alias: this.alias } }]
    await ask('write', this.#client.indices.updateAliases({ actions: [...remove, { add: { index, alias: this.alias } }] }))
  }

  /** The index that readers find; null for none. */
  async #served(): Promise<string | null> {
    try {
      const [index] = Object.keys(await ask('read', this.#client.indices.getAlias({ name: this.alias })))
      return index ?? null
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  async #delete(name: string): Promise<void> {
    await ask('write', this.#client.indices.delete({ index: indexOf(name), ignore_unavailable: true }))
  }
}

/** True when the request did what it should; false when it was refused for this reason. */
async function unless(reason: string, request: Promise<unknown>): Promise<boolean> {
  try {
    await request
    return true
  } catch (error) {
    if (refusalOf(error) === reason) return false
    throw error
  }
}
