import type { ServiceBroker } from 'moleculer'
import type { Queryable } from '../../mixins/postgres/database.ts'
import { call } from '../../mixins/runtime/calls.ts'
import type { IndexBuild, SearchIndex } from '../../mixins/search/port.ts'
import '../product/product.contract.ts'
import { drifted, markIndexed, scoresOf } from './popularity.store.ts'
import { indexedDocument, withScore } from './product-index.ts'

/** Products read, and written, at once. */
const PAGE = 500

/**
 * Fills a build with the whole catalogue and switches to it. What changes meanwhile comes through the index's own writes. Gives up
 * when `stopped` says so, or when anything fails: the old index goes on serving then. Returns the number of documents.
 */
export async function fill(build: IndexBuild, from: { broker: ServiceBroker; db: Queryable; stopped: () => boolean; progress: (done: number) => Promise<void> }): Promise<number> {
  try {
    let done = 0
    for (let after: string | undefined; ; ) {
      if (from.stopped()) throw new Error('the node stops')
      const { items } = await call(from.broker, 'product.worker.scan', { limit: PAGE, ...(after ? { after } : {}) }, { timeout: 60_000 })
      const last = items.at(-1)
      if (!last) break
      const scoreOf = await scoresOf(from.db, items.map(({ id }) => id))
      const documents = items.map((product) => indexedDocument(product, scoreOf(product.id))).filter((document) => document !== null)
      await build.put(documents)
      await from.progress((done += documents.length))
      after = last.id
    }
    await build.switch()
    return done
  } catch (error) {
    await build.abandon().catch(() => {}) // taken over, or the engine is gone: the next build clears it away
    throw error
  }
}

/** Brings the popularity of indexed products up to now, those that are farthest off first; says of how many. */
export async function refreshPopularity(index: SearchIndex, db: Queryable): Promise<number> {
  let changed = 0
  for (;;) {
    const scores = new Map((await drifted(db, PAGE)).map(({ productId, score }) => [productId, score]))
    if (scores.size === 0) return changed
    const held = await index.get([...scores.keys()])
    const documents = held.map((document) => withScore(document, scores.get(document.id)!)).filter((document) => document !== null)
    await index.put(documents)
    await markIndexed(db, scores) // of those not in the index too: they will come with their score
    changed += documents.length
  }
}
