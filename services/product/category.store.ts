import { columns, isUniqueViolation, type Queryable } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import { CategoryTree } from './category-tree.ts'
import type { Category } from './product.contract.ts'

/** The tree as this thread knows it: read again after `ttlMs`, when somebody changed it, or when it lacks a slug that there must be. */
export class CategoryTrees {
  readonly #ttlMs: number
  #known: { tree: CategoryTree; until: number } | null = null

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  /** Reads through the caller's own connection, so that a transaction never waits for another one. */
  async get(db: Queryable, slugs: readonly string[] = []): Promise<CategoryTree> {
    const known = this.#known
    if (known && known.until > performance.now() && slugs.every((slug) => known.tree.has(slug))) return known.tree
    const until = performance.now() + this.#ttlMs
    const tree = new CategoryTree(await db.query<Category>('SELECT id, slug, name, parent_id AS "parentId" FROM product.category ORDER BY position'))
    if (this.#known === known) this.#known = { tree, until } // else it was changed or read meanwhile
    return tree
  }

  clear(): void {
    this.#known = null
  }
}

/** Refuses a category that takes no products. Its row stays locked to the end of the transaction, so it stays a leaf. */
export async function lockLeaf(tx: Queryable, slug: string): Promise<void> {
  const [category] = await tx.query<{ id: string }>('SELECT id FROM product.category WHERE slug = $1 FOR SHARE', [slug])
  if (!category) throw invalidField('category', 'unknown', 'there is no such category: take a slug of GET /categories')
  const children = await tx.query('SELECT 1 FROM product.category WHERE parent_id = $1 LIMIT 1', [category.id])
  if (children.length > 0) throw invalidField('category', 'leaf', 'products lie in the last level of the tree: take one of the categories below this one')
}

/** Adds one category. `conflict` when the slug is taken; a category that holds products cannot become a parent. */
export async function addCategory(tx: Queryable, { slug, name, parentId }: { slug: string; name: string; parentId?: string | undefined }): Promise<Category> {
  if (parentId !== undefined) {
    const [parent] = await tx.query<{ slug: string }>('SELECT slug FROM product.category WHERE id = $1 FOR UPDATE', [parentId])
    if (!parent) throw invalidField('parentId', 'unknown', 'there is no such category')
    const held = await tx.query('SELECT 1 FROM product.product WHERE category = $1 LIMIT 1', [parent.slug])
    if (held.length > 0) throw invalidField('parentId', 'holdsProducts', 'this category holds products, so it cannot have categories below it')
  }
  const category: Category = { id: newId(), slug, name, parentId: parentId ?? null }
  try {
    await tx.query('INSERT INTO product.category (id, slug, name, parent_id) VALUES ($1, $2, $3, $4)', [category.id, slug, name, category.parentId])
  } catch (error) {
    throw isUniqueViolation(error) ? problem('conflict', 'There is a category of this slug.') : error
  }
  return category
}

/** Adds categories, parents first; one whose id or slug is there is left as it is. Returns how many were added. */
export async function importCategories(db: Queryable, categories: readonly Category[]): Promise<number> {
  const added = await db.query(
    `INSERT INTO product.category (id, slug, name, parent_id)
     SELECT id, slug, name, parent_id FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS c (id, slug, name, parent_id, place) ORDER BY place
     ON CONFLICT DO NOTHING RETURNING id`,
    columns(categories, ['id', 'slug', 'name', 'parentId'])
  )
  return added.length
}
