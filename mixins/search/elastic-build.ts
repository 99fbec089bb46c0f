import type { ElasticGenerations, Generation } from './elastic-generations.ts'
import { givenUp } from './elastic-generations.ts'
import type { ElasticWriter } from './elastic-writer.ts'
import type { IndexBuild, IndexedDocument } from './port.ts'

/** A generation being filled beside the one that serves. */
export class ElasticBuild implements IndexBuild {
  readonly #generations: ElasticGenerations
  readonly #writer: ElasticWriter
  readonly #generation: Generation

  constructor(generations: ElasticGenerations, writer: ElasticWriter, generation: Generation) {
    this.#generations = generations
    this.#writer = writer
    this.#generation = generation
  }

  async put(documents: readonly IndexedDocument[]): Promise<void> {
    await this.#generations.goesOn(this.#generation.name)
    if (!(await this.#writer.write(documents, this.#generation))) throw givenUp()
  }

  switch(): Promise<void> {
    return this.#generations.switchTo(this.#generation.name)
  }

  abandon(): Promise<void> {
    return this.#generations.abandon(this.#generation.name)
  }
}
