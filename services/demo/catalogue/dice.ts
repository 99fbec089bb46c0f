import { hash32, mix32 } from '../../../mixins/primitives/hash.ts'

/** Throws that come out the same each time for the same name: the demo catalogue is the same in every shop. Not for secrets. */
export class Dice {
  #state: number

  constructor(name: string) {
    this.#state = hash32(name)
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    return mix32(this.#state) / 2 ** 32
  }

  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  chance(p: number): boolean {
    return this.next() < p
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!
  }

  /** `count` different items, or all of them, in the order in which they were drawn. */
  draw<T>(list: readonly T[], count: number): T[] {
    const rest = [...list]
    return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(Math.floor(this.next() * rest.length), 1)[0]!)
  }
}

/** A UUIDv7 of a moment, its random bits thrown: ids that sort by creation and are the same in every shop. */
export function demoId(at: number, dice: Dice): string {
  const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0')
  const time = hex(at, 12)
  const tail = hex(dice.int(0, 0xffffff), 6) + hex(dice.int(0, 0xffffff), 6)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(dice.int(0, 0xfff), 3)}-${hex(dice.int(0x8000, 0xbfff), 4)}-${tail}`
}
