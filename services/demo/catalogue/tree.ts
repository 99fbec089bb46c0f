import { books, grocery, music, sports, toys } from './leisure.ts'
import { garden, home, kitchen, pets } from './living.ts'
import { baby, beauty, fashion, health } from './people.ts'
import { automotive, electronics, office, tools } from './technology.ts'
import type { Department, Leaf } from './types.ts'

export const DEPARTMENTS: readonly Department[] = [electronics, home, kitchen, fashion, sports, toys, books, beauty, garden, tools, grocery, music, office, baby, pets, automotive, health]

/** A leaf with the department that it belongs to. */
export interface Place {
  leaf: Leaf
  department: Department
}

export const PLACES: readonly Place[] = DEPARTMENTS.flatMap((department) => [...(department.groups ?? []).flatMap((g) => g.leaves), ...(department.leaves ?? [])].map((leaf) => ({ leaf, department })))

/** The whole tree, parents before their children; ids are made of slugs, so they are the same in every shop. */
export const categories = (): { id: string; slug: string; name: string; parentId: string | null }[] => {
  const id = (slug: string): string => `cat.${slug}`
  const node = (slug: string, name: string, parent: string | null) => ({ id: id(slug), slug, name, parentId: parent === null ? null : id(parent) })
  return DEPARTMENTS.flatMap((d) => [
    node(d.slug, d.name, null),
    ...(d.groups ?? []).flatMap((g) => [node(g.slug, g.name, d.slug), ...g.leaves.map((l) => node(l.slug, l.name, g.slug))]),
    ...(d.leaves ?? []).map((l) => node(l.slug, l.name, d.slug))
  ])
}
