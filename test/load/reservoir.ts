/** A fair choice of at most so many of all that were added (algorithm R): what is kept does not grow with the length of a run. */
export class Reservoir<T> {
  readonly #max: number
  readonly #random: () => number
  readonly items: T[] = []
  /** All that were added. */
  added = 0

  constructor(max: number, random: () => number = Math.random) {
    this.#max = max
    this.#random = random
  }

  add(item: T): void {
    const n = this.added++
    if (n < this.#max) this.items.push(item)
    else {
      const at = Math.floor(this.#random() * (n + 1))
      if (at < this.#max) this.items[at] = item
    }
  }
}
