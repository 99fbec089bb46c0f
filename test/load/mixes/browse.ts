import { favourite, goodsOf, wordOf } from '../../soak/goods.ts'
import type { Mix } from '../mix.ts'
import { Reservoir } from '../reservoir.ts'

/** Of a hundred words that are searched, so many have a typing error. */
const TYPING_ERRORS = 10
const LETTERS_MIN = 6

export const browse: Mix = {
  name: 'browse',
  doc: 'people look around: products, lists, searches (some with a typing error), suggestions; nobody signs in',
  rate: 400,
  inside: false,
  async prepare({ api }) {
    const goods = await goodsOf(api)
    const word = (): string => wordOf(favourite(goods))
    const typed = (text: string): string => (text.length >= LETTERS_MIN && Math.random() * 100 < TYPING_ERRORS ? text.slice(1) : text)
    const query = (text: string): string => encodeURIComponent(text)
    return {
      transactions: [
        { name: 'product', doc: 'GET /products/{id}', share: 45, run: async () => void (await api.get('product', `/products/${favourite(goods).id}`)) },
        { name: 'list', doc: 'GET /products', share: 20, run: async () => void (await api.get('list', '/products?limit=20')) },
        { name: 'search', doc: 'GET /search?q', share: 22, run: async () => void (await api.get('search', `/search?limit=20&q=${query(typed(word()))}`)) },
        { name: 'suggest', doc: 'GET /search/suggest?q', share: 12, run: async () => void (await api.get('suggest', `/search/suggest?q=${query(word().slice(0, 3))}`)) },
        { name: 'categories', doc: 'GET /categories', share: 1, run: async () => void (await api.get('categories', '/categories')) }
      ],
      checks: async () => [],
      acknowledged: new Reservoir(0)
    }
  }
}
