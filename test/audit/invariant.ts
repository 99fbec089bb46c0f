import type { Books } from './books.ts'

/** What one invariant found. */
export interface Finding {
  /** Things looked at. */
  checked: number
  /** Violations in all. */
  count: number
  /** The first few of them, in words. */
  examples: string[]
  /** Why it could not be looked at; then it holds for nothing and fails for nothing. */
  skipped?: string
}

/** A rule that the books must keep whatever happened, numbered as in the README's list of guarantees. */
export interface Invariant {
  number: number
  name: string
  check(books: Books): Promise<Finding>
}

const EXAMPLES = 5

/** Collects what an invariant finds. */
export class Findings {
  #checked = 0
  #count = 0
  readonly #examples: string[] = []

  look(n = 1): void {
    this.#checked += n
  }

  violation(text: string): void {
    this.#count++
    if (this.#examples.length < EXAMPLES) this.#examples.push(text)
  }

  /** One thing looked at; `text` tells what is wrong when `holds` is false. */
  expect(holds: boolean, text: () => string): void {
    this.look()
    if (!holds) this.violation(text())
  }

  get result(): Finding {
    return { checked: this.#checked, count: this.#count, examples: this.#examples }
  }
}

export const skipped = (why: string): Finding => ({ checked: 0, count: 0, examples: [], skipped: why })
