import type { Category } from './product.contract.ts'

/** The category tree in memory: small, read by every list and every change. */
export class CategoryTree {
  /** Flat and whole, parents before their children. */
  readonly items: readonly Category[]
  readonly #bySlug: ReadonlyMap<string, Category>
  readonly #byId: ReadonlyMap<string, Category>
  readonly #children = new Map<string, Category[]>()

  constructor(items: readonly Category[]) {
    this.items = items
    this.#bySlug = new Map(items.map((c) => [c.slug, c]))
    this.#byId = new Map(items.map((c) => [c.id, c]))
    for (const c of items) if (c.parentId) this.#children.set(c.parentId, [...(this.#children.get(c.parentId) ?? []), c])
  }

  has(slug: string): boolean {
    return this.#bySlug.has(slug)
  }

  /** From the department to the category itself; empty for an unknown slug. */
  path(slug: string): { slug: string; name: string }[] {
    const path: { slug: string; name: string }[] = []
    for (let c = this.#bySlug.get(slug); c; c = c.parentId ? this.#byId.get(c.parentId) : undefined) path.unshift({ slug: c.slug, name: c.name })
    return path
  }

  /** Slugs of the leaves at or below a category; empty for an unknown slug. */
  leaves(slug: string): string[] {
    const found: string[] = []
    const visit = (c: Category): void => {
      const children = this.#children.get(c.id)
      if (children) for (const child of children) visit(child)
      else found.push(c.slug)
    }
    const start = this.#bySlug.get(slug)
    if (start) visit(start)
    return found
  }
}
