import { problem } from '../../mixins/primitives/problem.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import type { SearchIndex } from '../../mixins/search/port.ts'
import { openSearchIndex } from '../../mixins/search/search.ts'
import { productIndex } from './product-index.ts'
import { searchActions as contracts } from './search.contract.ts'
import { toAnswer, toQuery, UNDER_WAY_MAX } from './search.ts'

type SearchWorker = ServiceThis<{ index: SearchIndex; underWay: number }>

const SUGGESTIONS_DEFAULT = 8

/** Refuses at once what would wait too long. */
async function bounded<T>(worker: SearchWorker, search: () => Promise<T>): Promise<T> {
  if (worker.underWay >= UNDER_WAY_MAX) throw problem('overloaded', 'Too many searches are under way: try again shortly.', { retryAfter: 1 })
  worker.underWay++
  try {
    return await search()
  } finally {
    worker.underWay--
  }
}

/** Asks the products' index, which the indexer writes. It answers from what is committed there, without a cache. */
export default service({
  name: 'search.worker',

  actions: {
    query: workerAction(contracts['search.worker.query'], {
      retrySafe: true,
      timeout: 5_000,
      handler(this: SearchWorker, ctx) {
        const query = toQuery(ctx.params)
        return bounded(this, async () => toAnswer(await this.index.query(query), ctx.params))
      }
    }),

    suggest: workerAction(contracts['search.worker.suggest'], {
      retrySafe: true,
      timeout: 5_000,
      handler(this: SearchWorker, ctx) {
        const { q, limit = SUGGESTIONS_DEFAULT } = ctx.params
        return bounded(this, async () => ({ items: (await this.index.suggest(q, limit)) as { text: string; kind: 'query' | 'product' | 'brand' | 'category'; id?: string }[] }))
      }
    })
  },

  created(this: SearchWorker) {
    this.index = openSearchIndex(productIndex)
    this.underWay = 0
  },

  async stopped(this: SearchWorker) {
    await this.index.close()
  }
})
