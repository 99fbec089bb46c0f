import { recordBehaviour } from '../../mixins/behaviour/behaviour.ts'
import { LoadingCache } from '../../mixins/cache/loading-cache.ts'
import { canonicalJson } from '../../mixins/primitives/ids.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call, type Hints } from '../../mixins/runtime/calls.ts'
import { answer, prepare, prepareJson, type Prepared } from '../../mixins/runtime/prepared.ts'
import { publicAction, service, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'
import '../product/product.contract.ts'
import { searchActions as contracts } from './search.contract.ts'
import { UNDER_WAY_MAX, type SearchParams } from './search.ts'

/** A card as it stands in an answer: it is in many, so its text is made once. */
interface CardText {
  json: string
}

type SearchFace = ServiceThis<{ answers: LoadingCache<Prepared>; suggestions: LoadingCache<Prepared>; cards: LoadingCache<CardText> }>

const full = (): Error => problem('overloaded', 'Too many searches wait: try again shortly.', { retryAfter: 1 })

/** A page of cards. A product that was taken back since it was indexed is left out of the page, though not yet of the total. */
async function loadAnswer(face: SearchFace, key: string): Promise<Prepared> {
  const { ids, ...found } = await call(face.broker, 'search.worker.query', JSON.parse(key) as SearchParams)
  const cards = await Promise.all(ids.map((id) => face.cards.get(id)))
  const items = cards.filter((card) => card !== undefined).map(({ json }) => json)
  return prepareJson(`{"items":[${items.join()}],${JSON.stringify(found).slice(1)}`)
}

/** One load per key; several under way at once. */
const loadEach =
  (load: (key: string) => Promise<Prepared>) =>
  async (keys: string[]): Promise<Map<string, Prepared>> =>
    new Map(await Promise.all(keys.map(async (key) => [key, await load(key)] as const)))

/**
 * Search as shoppers meet it. Owns nothing but answers ready to send, kept in this thread for a second, and cards for up to five,
 * dropped by hints when they change.
 */
export default service({
  name: 'search',
  dependencies: ['search.worker', 'product.worker'],

  actions: {
    query: publicAction(
      contracts['search.query'],
      { rest: 'GET /search', auth: 'anyone', summary: 'Find products by words and filters, with counts for further filters', problems: ['unavailable'] },
      async function (this: SearchFace, ctx) {
        const { q, cursor } = ctx.params
        const note = (by: Parameters<typeof recordBehaviour>[0]): void => {
          if (q && !cursor) recordBehaviour(by, { kind: 'searched', query: q })
        }
        const key = canonicalJson(ctx.params)
        note(ctx)
        return answer((await this.answers.get(key))!, () => {
          const again = this.answers.peek(key)
          if (again) note({ broker: this.broker, meta: {} })
          return again ?? null
        })
      }
    ),

    suggest: publicAction(
      contracts['search.suggest'],
      { rest: 'GET /search/suggest', auth: 'anyone', summary: 'Completions of what is being typed', problems: ['unavailable'] },
      async function (this: SearchFace, ctx) {
        const key = canonicalJson(ctx.params)
        return answer((await this.suggestions.get(key))!, () => this.suggestions.peek(key) ?? null)
      }
    )
  },

  events: {
    'card.changed'(this: SearchFace, ctx: Ctx<Hints['card.changed']>) {
      this.cards.drop(ctx.params.productIds)
    }
  },

  created(this: SearchFace) {
    const searches = { ttlMs: 1_000, max: 2_000, maxLoad: 1, inFlight: UNDER_WAY_MAX, maxWaiting: UNDER_WAY_MAX, full }
    this.answers = new LoadingCache(loadEach((key) => loadAnswer(this, key)), searches)
    this.suggestions = new LoadingCache(loadEach(async (key) => prepare(await call(this.broker, 'search.worker.suggest', JSON.parse(key) as { q: string }))), searches)
    this.cards = new LoadingCache(
      async (ids) => {
        const { items } = await call(this.broker, 'product.worker.cards', { ids })
        return new Map(items.map((card) => [card.id, { json: JSON.stringify(card) }]))
      },
      { ttlMs: 5_000, max: 10_000, maxWaiting: 50_000, full }
    )
  }
})
