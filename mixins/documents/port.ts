/** A document: its own id, and the version of its last write, counted from 1. */
export interface Document {
  id: string
  version: number
}

/** A collection as its owner declares it. Indexed fields are top-level text fields (absent is allowed and not indexed). */
export interface Collection {
  name: string
  /** Unique over the whole collection wherever present. */
  unique: readonly string[]
  /** May be asked for in `find`. */
  indexed: readonly string[]
}

/**
 * Documents: payments, payment methods, subscriptions, reviews.
 * Promised by both engines: one document is atomic; unique fields hold whoever writes; a write that was answered is seen by every
 * later read. Not promised, so do without: transactions over documents, time to live, text search, any order but those below.
 * Documents are JSON: a field that is undefined is left out. When a write rejects with `unavailable` its outcome is unknown: read.
 */
export interface DocumentStore<T extends Document> {
  get(id: string): Promise<T | null>
  /** Stores a new document at version 1 (its `version` is ignored). `exists` when the id or a unique field is taken. */
  insert(doc: T): Promise<'done' | 'exists'>
  /** Replaces the document of that id if it is at `ifVersion`, giving it version `ifVersion + 1`; false otherwise, with nothing written. Rejects with `conflict` when a unique field is taken. */
  replace(doc: T, ifVersion: number): Promise<boolean>
  /** Documents whose indexed (or unique) fields equal `where` (none: all), by id ascending (`descending: true` for the newest first), after the id `after`, at most `limit`. */
  find(where: { readonly [field: string]: string }, page: { after?: string | undefined; limit: number; descending?: boolean }): Promise<T[]>
  /** Documents whose indexed field is present and at most `bound` by code points, smallest first: what is due by an RFC 3339 time. */
  upTo(field: string, bound: string, limit: number): Promise<T[]>
}
