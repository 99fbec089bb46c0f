import { hash32, mix32 } from '../primitives/hash.ts'

/** Actors are placed by slots, so that placement is a table of fixed size however many keys there are. */
export const SLOTS = 1024

export const slotOf = (type: string, key: string): number => hash32(key, hash32(type)) % SLOTS

/**
 * Who owns which slot, by rendezvous hashing: every node has a score for the slot, the highest owns it. When a node joins or
 * leaves, only its own share of the slots moves. The same on every node that knows the same nodes, in whatever order.
 */
export class SlotTable {
  readonly nodes: readonly string[]
  readonly #hashes: readonly number[]
  readonly #owners = new Int32Array(SLOTS).fill(-1)

  constructor(nodes: Iterable<string>) {
    this.nodes = [...nodes].sort()
    this.#hashes = this.nodes.map((node) => hash32(node))
  }

  /** The node that owns `slot`; null when there is none. */
  owner(slot: number): string | null {
    if (this.nodes.length === 0) return null
    let index = this.#owners[slot]!
    if (index < 0) this.#owners[slot] = index = this.#best(slot, null)
    return this.nodes[index]!
  }

  /** The node that would own `slot` if `lost` were gone; null when there is none. */
  ownerWithout(slot: number, lost: ReadonlySet<string>): string | null {
    const index = this.#best(slot, lost)
    return index < 0 ? null : this.nodes[index]!
  }

  #best(slot: number, lost: ReadonlySet<string> | null): number {
    let best = -1
    let highest = -1
    for (let i = 0; i < this.nodes.length; i++) {
      if (lost?.has(this.nodes[i]!)) continue
      const score = mix32(this.#hashes[i]! ^ mix32(slot + 1))
      if (score > highest) {
        best = i
        highest = score
      }
    }
    return best
  }
}
