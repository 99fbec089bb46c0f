import type { Context } from 'moleculer'
import type {} from '../../mixins/behaviour/behaviour.ts'
import { consumer } from '../../mixins/events/consumer.ts'
import { takeFresh } from '../../mixins/inbox/inbox.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { problemType } from '../../mixins/primitives/problem.ts'
import type { Hints } from '../../mixins/runtime/calls.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import type { IndexBuild, SearchIndex } from '../../mixins/search/port.ts'
import { openSearchIndex } from '../../mixins/search/search.ts'
import '../order/order.contract.ts'
import '../product/product.contract.ts'
import { WEIGHTS } from './popularity.ts'
import { addScores, beginJob, claimJob, endJob, jobOf, markIndexed, progressJob, scoresOf, sweepScores } from './popularity.store.ts'
import { indexedDocument, indexVersion, productIndex } from './product-index.ts'
import { fill, refreshPopularity } from './rebuild.ts'
import { searchActions as contracts } from './search.contract.ts'

type Indexer = ServiceThis<WithDatabase & { index: SearchIndex; rebuilding: Promise<void>; stopping: boolean; views: Set<string>; countViews: () => Promise<void> }>

const POPULARITY_EVERY_MS = 10 * 60_000
/** How often each node looks whether the index needs to be built. */
const LOOK_EVERY_MS = 60_000
const LOG_EVERY = 10_000
const VIEWS_EVERY_MS = 60_000
const VIEWS_MAX = 50_000

/** Begins a rebuild and answers; false when one is under way already, on whatever node. */
async function startRebuild(indexer: Indexer): Promise<boolean> {
  let build: IndexBuild
  try {
    build = await indexer.index.build()
  } catch (error) {
    if (problemType(error) === 'conflict') return false
    throw error
  }
  await beginJob(indexer.db, 'rebuild')
  indexer.rebuilding = rebuild(indexer, build)
  return true
}

/** Never rejects: how it went is in the job's row and in the log. */
async function rebuild(indexer: Indexer, build: IndexBuild): Promise<void> {
  const { broker, db, logger } = indexer
  const from = Date.now()
  let done = 0
  try {
    logger.info('search index: rebuilding')
    const progress = async (count: number): Promise<void> => {
      if (Math.floor(count / LOG_EVERY) > Math.floor(done / LOG_EVERY)) logger.info(`search index: ${count} products`)
      done = count
      await progressJob(db, 'rebuild', count)
    }
    await fill(build, { broker, db, stopped: () => indexer.stopping, progress })
    await endJob(db, 'rebuild', done, null)
    logger.info(`search index: rebuilt with ${done} products in ${((Date.now() - from) / 1_000).toFixed(1)} s`)
  } catch (error) {
    logger.warn('search index: the rebuild was given up, the old index goes on serving:', error)
    await endJob(db, 'rebuild', done, (error as Error).message).catch(() => {})
  }
}

/** Builds the index where it was never built, or is one of another version of this software. */
async function buildIfNeeded(indexer: Indexer): Promise<void> {
  if (await indexer.index.isCurrent()) return
  await indexer.broker.waitForServices('product.worker', LOOK_EVERY_MS)
  if (!indexer.stopping) await startRebuild(indexer)
}

/**
 * Writes the products' index. It keeps: a change of a product is found within seconds, whatever order changes come in (each
 * carries the product's version); what nobody sells is not found; a rebuild takes nothing from those who search. Popularity is
 * the decayed count of orders, and what buyers think.
 */
export default service({
  name: 'search.indexer',
  mixins: [
    consumer<Indexer>({
      group: 'search.indexer',
      maxBatch: 500,
      topics: {
        async product_changed(batch) {
          const products = batch.map(({ body }) => body)
          const scoreOf = await scoresOf(this.db, products.map(({ id }) => id))
          const documents = products.map((product) => indexedDocument(product, scoreOf(product.id)))
          await this.index.put(documents.filter((document) => document !== null))
          await this.index.remove(products.filter((_, i) => documents[i] === null).map(({ id, version }) => ({ id, version: indexVersion(version) })))
          await markIndexed(this.db, new Map(products.map(({ id }) => [id, scoreOf(id)])))
        },

        async order_confirmed(batch) {
          await this.db.tx(async (tx) => {
            const scores = new Map<string, number>()
            const fresh = (await takeFresh(tx, 'indexer', 'popularity', batch)) as typeof batch
            for (const { productId } of fresh.flatMap(({ body }) => body.subOrders).flatMap(({ lines }) => lines)) {
              scores.set(productId, (scores.get(productId) ?? 0) + WEIGHTS.ordered)
            }
            await addScores(tx, scores)
          })
        }
      }
    }),
    periodic<Indexer>('product views', VIEWS_EVERY_MS, async function () {
      await this.countViews()
    }),
    periodic<Indexer>('search popularity', POPULARITY_EVERY_MS / 10, async function () {
      if (!(await claimJob(this.db, 'popularity', POPULARITY_EVERY_MS))) return
      await endJob(this.db, 'popularity', await refreshPopularity(this.index, this.db), null)
      await sweepScores(this.db)
    }),
    periodic<Indexer>('search index check', LOOK_EVERY_MS, async function () {
      await buildIfNeeded(this)
    }),
    serviceDatabase('indexer')
  ],

  events: {
    'behaviour.recorded'(this: Indexer, ctx: Context<Hints['behaviour.recorded']>) {
      for (const { kind, productId, subject } of ctx.params.records) if (kind === 'product_viewed' && this.views.size < VIEWS_MAX) this.views.add(`${productId} ${subject}`)
    }
  },

  actions: {
    rebuild: workerAction(contracts['search.indexer.rebuild'], {
      async handler(this: Indexer) {
        const started = await startRebuild(this)
        return { outcome: started ? ('started' as const) : ('running' as const) }
      }
    }),

    status: workerAction(contracts['search.indexer.status'], {
      async handler(this: Indexer) {
        const [rebuilt, popularity] = await Promise.all([jobOf(this.db, 'rebuild'), jobOf(this.db, 'popularity')])
        return {
          rebuild: rebuilt ? { running: rebuilt.finishedAt === null, startedAt: rebuilt.startedAt, indexed: rebuilt.done, finishedAt: rebuilt.finishedAt, error: rebuilt.error } : null,
          popularityAt: popularity?.finishedAt ?? null
        }
      }
    }),

    popularity: workerAction(contracts['search.indexer.popularity'], {
      timeout: 120_000,
      async handler(this: Indexer) {
        await this.countViews()
        await beginJob(this.db, 'popularity')
        const changed = await refreshPopularity(this.index, this.db)
        await endJob(this.db, 'popularity', changed, null)
        return { changed }
      }
    })
  },

  methods: {
    /** A person's views of a product within a minute are one. They are lost if this fails: behaviour is best effort. */
    async countViews(this: Indexer) {
      const scores = new Map<string, number>()
      for (const view of this.views) {
        const productId = view.slice(0, view.indexOf(' '))
        scores.set(productId, (scores.get(productId) ?? 0) + WEIGHTS.viewed)
      }
      this.views.clear()
      if (scores.size > 0) await addScores(this.db, scores)
    }
  },

  created(this: Indexer) {
    this.index = openSearchIndex(productIndex)
    this.rebuilding = Promise.resolve()
    this.stopping = false
    this.views = new Set()
  },

  started(this: Indexer) {
    void buildIfNeeded(this).catch((error: unknown) => this.logger.warn('search index: could not be looked at, will be tried again:', error))
  },

  async stopped(this: Indexer) {
    this.stopping = true
    await this.rebuilding
    await this.index.close()
  }
})
