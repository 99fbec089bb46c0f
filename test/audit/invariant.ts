import type { Books } from './books.ts'
import type { OrderFile } from './order-files.ts'

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

/** A look at the books for one invariant: it sees every order once, in one pass for all invariants, then looks at the rest. */
export interface Look {
  order?(file: OrderFile): void
  /** After the last order: what is not order by order. */
  finish?(): Promise<void>
}

/** A rule that the books must keep whatever happened, numbered as in the README's list of guarantees. */
export interface Invariant {
  number: number
  name: string
  /** Begins a look; a text says why these books cannot tell. Nothing may be kept that grows with the number of orders. */
  look(books: Books, found: Findings): Look | string
}

const EXAMPLES = 5

/** Collects what an invariant finds. */
export class Findings {
  #checked = 0
  #count = 0
  readonly #examples: string[] = []

  looked(n: number): void {
    this.#checked += n
  }

  violation(text: string): void {
    this.#count++
    if (this.#examples.length < EXAMPLES) this.#examples.push(text)
  }

  /** One thing looked at; `text` tells what is wrong when `holds` is false. */
  expect(holds: boolean, text: () => string): void {
    this.#checked++
    if (!holds) this.violation(text())
  }

  get result(): Finding {
    return { checked: this.#checked, count: this.#count, examples: this.#examples }
  }
}
