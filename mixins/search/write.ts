import type { IndexedDocument } from './port.ts'

/** A write on its way in: a document, or the removal of one. */
export interface Write {
  id: string
  version: number
  doc: IndexedDocument['doc'] | null
}

/** The newest write of each id: later ones never win a tie, as in the index. */
export function newest(writes: readonly Write[]): Write[] {
  const byId = new Map<string, Write>()
  for (const write of writes) {
    const other = byId.get(write.id)
    if (!other || write.version > other.version) byId.set(write.id, write)
  }
  return [...byId.values()]
}
