import { problem } from '../primitives/problem.ts'
import type { Document, DocumentStore } from './port.ts'

/** Rounds of one change: each means that somebody else's change went through, so this many say that something is wrong. */
const ROUNDS_MAX = 50

/**
 * Changes a document by compare-and-set: `decide` is pure and may run again on a newer version when somebody else was first; what
 * it returns unchanged is not written. Starts from `known` if given, a version that may be old, which saves a read. Answers the
 * document as it is then; null when there is none. What `decide` throws is thrown, with nothing written.
 */
export async function change<T extends Document>(store: DocumentStore<T>, id: string, decide: (doc: T) => T, known?: T): Promise<T | null> {
  let doc = known ?? (await store.get(id))
  for (let round = 0; doc && round < ROUNDS_MAX; round++) {
    const next = decide(doc)
    if (next === doc) return doc
    if (await store.replace(next, doc.version)) return { ...next, version: doc.version + 1 }
    doc = await store.get(id)
  }
  if (!doc) return null
  throw problem('overloaded', 'Too many change this at once: try again shortly.', { retryAfter: 1 })
}
