import type { Database, Queryable } from '../postgres/database.ts'
import { boostOf, numberOf, tagsOf, textOf, titleOf, type Tag } from './document.ts'
import type { IndexDefinition, IndexedDocument } from './port.ts'
import { pack } from './postgres-facets.ts'
import { generationsOf, lockIndex, numberColumn, tablesOf, type Generation, type Tables } from './postgres-tables.ts'
import { indexText, isCorrection } from './words.ts'
import { newest, type Write } from './write.ts'

const WEIGHTS = ['A', 'B', 'C', 'D'] as const
/** Indexed text by weight; null for a removal. */
type Texts = readonly (string | null)[]

/** Words and values a thread remembers of one generation, so that it sends each of them once. */
const REMEMBERED_MAX = 200_000

/** What a thread knows a generation's tables to hold; never wrong, for rows of these kinds are not deleted. */
interface Known {
  generation: number
  /** field, value and label → number. */
  tags: Map<string, number>
  words: Set<string>
}

const knownOf = (generation: number): Known => ({ generation, tags: new Map(), words: new Set() })
const tagKey = ({ field, value, suggestion }: Tag): string => `${field}\0${value}\0${suggestion?.label ?? ''}`

/**
 * Writes documents into a generation's tables. One batch is one transaction: rows, numbers of new values, counts and words go
 * together. Writes of one index are done one after another, whoever makes them.
 */
export class PostgresWriter {
  readonly #db: Database
  readonly #name: string
  readonly #known = new Map<'a' | 'b', Known>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(db: Database, name: string) {
    this.#db = db
    this.#name = name
  }

  /** Writes to the generations of the index that `wanted` chooses, seen under the index's lock; it may throw to write to none. */
  write(writes: readonly Write[], wanted: (generations: readonly Generation[]) => readonly Generation[]): Promise<void> {
    if (writes.length === 0) return Promise.resolve()
    const done = this.#last.then(() => this.#write(newest(writes), wanted)) // one at a time here too, so that waiters hold no connections
    this.#last = done.catch(() => {})
    return done
  }

  async #write(writes: readonly Write[], wanted: (generations: readonly Generation[]) => readonly Generation[]): Promise<void> {
    const learned: Known[] = []
    await this.#db.tx(async (tx) => {
      await lockIndex(tx, this.#name)
      for (const { slot, generation, definition } of wanted(await generationsOf(tx, this.#name))) {
        const known = this.#knownOf(slot, generation)
        const fresh = knownOf(generation)
        const tables = tablesOf(definition, slot)
        const tags = writes.map(({ doc }) => (doc ? tagsOf(doc, definition) : []))
        const texts = writes.map(({ doc }) => WEIGHTS.map((weight) => (doc ? indexText(textOf(doc, definition, weight)) : null)))
        await numberTags(tx, tables, tags.flat(), known, fresh)
        const numberOfTag = (tag: Tag): number => known.tags.get(tagKey(tag)) ?? fresh.tags.get(tagKey(tag))!
        await putRows(tx, tables, definition, writes, tags.map((list) => list.map(numberOfTag)), texts)
        await putWords(tx, tables, texts, known, fresh)
        learned.push(fresh)
      }
    })
    for (const fresh of learned) this.#remember(fresh) // only what was committed
  }

  #knownOf(slot: 'a' | 'b', generation: number): Known {
    let known = this.#known.get(slot)
    if (known?.generation !== generation) this.#known.set(slot, (known = knownOf(generation)))
    return known
  }

  #remember({ generation, tags, words }: Known): void {
    const known = this.#known.values().find((k) => k.generation === generation)
    if (!known) return
    if (known.tags.size + known.words.size > REMEMBERED_MAX) {
      known.tags.clear()
      known.words.clear()
    }
    for (const [key, number] of tags) known.tags.set(key, number)
    for (const word of words) known.words.add(word)
  }
}

/** Numbers values that are new here, and renames those whose label has changed. */
async function numberTags(tx: Queryable, { tag }: Tables, tags: readonly Tag[], known: Known, fresh: Known): Promise<void> {
  const unknown = new Map(tags.filter((t) => !known.tags.has(tagKey(t))).map((t) => [`${t.field}\0${t.value}`, t]))
  if (unknown.size === 0) return
  const rows = [...unknown.values()]
  const numbered = await tx.query<{ id: number; field: string; value: string }>(
    `INSERT INTO ${tag} AS t (field, value, kind, label, names)
     SELECT field, value, kind, label, to_tsvector('search.plain', names) FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS i (field, value, kind, label, names)
     ON CONFLICT (field, value) DO UPDATE SET kind = excluded.kind, label = excluded.label, names = excluded.names RETURNING id, field, value`,
    [
      rows.map((r) => r.field),
      rows.map((r) => r.value),
      rows.map((r) => r.suggestion?.kind ?? null),
      rows.map((r) => r.suggestion?.label ?? null),
      rows.map((r) => (r.suggestion ? indexText(r.suggestion.label) : null))
    ]
  )
  const ids = new Map(numbered.map(({ field, value, id }) => [`${field}\0${value}`, id]))
  for (const t of tags) {
    const id = ids.get(`${t.field}\0${t.value}`)
    if (id !== undefined) fresh.tags.set(tagKey(t), id)
  }
}

async function putRows(tx: Queryable, tables: Tables, definition: IndexDefinition, writes: readonly Write[], tags: readonly (readonly number[])[], texts: readonly Texts[]): Promise<void> {
  const field = <T>(read: (doc: IndexedDocument['doc'], i: number) => T): (T | null)[] => writes.map(({ doc }, i) => (doc ? read(doc, i) : null))
  const popularity = (doc: IndexedDocument['doc']): number => numberOf(doc, definition.popularity) ?? 0
  await tx.query(putStatement(tables, definition), [
    writes.map((w) => w.id),
    writes.map((w) => w.version),
    writes.map((w) => w.doc === null),
    field(popularity),
    field((doc) => boostOf(popularity(doc))),
    field((_doc, i) => `{${tags[i]!.join(',')}}`),
    field((_doc, i) => pack(tags[i]!).toString('hex')),
    ...WEIGHTS.map((_weight, w) => texts.map((text) => text[w]!)),
    field((doc) => titleOf(doc, definition)),
    field((doc) => indexText(titleOf(doc, definition))),
    field((doc) => JSON.stringify(doc)),
    ...definition.numbers.map((name) => field((doc) => numberOf(doc, name)))
  ])
}

/** Writes those rows that are newer than what is there, and moves the counts of their values. */
function putStatement({ main, source, tag }: Tables, { numbers }: IndexDefinition): string {
  const columns = ['removed', 'boost', 'tags', 'facets', 'head', 'words', ...numbers.map(numberColumn)]
  const inputs = numbers.map((_, i) => `n${i}`)
  return `
  WITH input AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::boolean[], $4::float8[], $5::float8[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::jsonb[]
      ${numbers.map((_, i) => `, $${15 + i}::float8[]`).join('')})
      AS i (id, version, removed, popularity, boost, tags, facets, a, b, c, d, title, names, doc${inputs.map((n) => `, ${n}`).join('')})
  ), fresh AS MATERIALIZED (
    SELECT i.*, i.tags::integer[] AS new_tags, o.tags AS old_tags
    FROM input i LEFT JOIN ${main} o ON o.id = i.id WHERE o.id IS NULL OR i.version > o.version
  ), written AS (
    INSERT INTO ${main} AS t (id, version, ${columns.join(', ')})
    SELECT id, version, removed, coalesce(boost, 0), new_tags, decode(facets, 'hex'),
      setweight(to_tsvector('search.english', a), 'A') || setweight(to_tsvector('search.english', b), 'B') || setweight(to_tsvector('search.english', c), 'C'),
      strip(to_tsvector('search.english', a || ' ' || b || ' ' || c || ' ' || d))${inputs.map((n) => `, ${n}`).join('')}
    FROM fresh
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, ${columns.map((c) => `${c} = excluded.${c}`).join(', ')}
  ), kept AS (
    INSERT INTO ${source} (id, title, names, popularity, doc)
    SELECT id, title, to_tsvector('search.plain', names), popularity, doc FROM fresh WHERE NOT removed
    ON CONFLICT (id) DO UPDATE SET title = excluded.title, names = excluded.names, popularity = excluded.popularity, doc = excluded.doc
  ), dropped AS (
    DELETE FROM ${source} WHERE id IN (SELECT id FROM fresh WHERE removed)
  ), moved AS (
    SELECT tag, sum(n) AS n FROM (
      SELECT unnest(new_tags || 0) AS tag, 1 AS n FROM fresh WHERE NOT removed
      UNION ALL SELECT unnest(old_tags || 0), -1 FROM fresh WHERE old_tags IS NOT NULL
    ) AS change GROUP BY tag HAVING sum(n) <> 0
  )
  UPDATE ${tag} t SET count = t.count + moved.n FROM moved WHERE t.id = moved.tag`
}

/** Keeps the words that a mistyped one may have meant. */
async function putWords(tx: Queryable, { word }: Tables, texts: readonly Texts[], known: Known, fresh: Known): Promise<void> {
  for (const text of texts.flat()) {
    for (const one of text?.split(' ') ?? []) if (isCorrection(one) && !known.words.has(one)) fresh.words.add(one)
  }
  if (fresh.words.size === 0) return
  await tx.query(
    `INSERT INTO ${word} (word, stem, deletions)
     SELECT word, stem, array(SELECT DISTINCT unnest(search.deletions(word) || search.deletions(stem))) FROM (SELECT word, search.stem(word) AS stem FROM unnest($1::text[]) AS word) AS w
     ON CONFLICT (word) DO NOTHING`,
    [[...fresh.words]]
  )
}
