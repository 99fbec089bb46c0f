import type { HttpClient } from '../bench/load/http-client.ts'
import { pick } from '../bench/load/random.ts'
import { pagesOf } from '../bench/scenarios/product-pages.ts'

const [PAGE, PAGES] = [100, 10]

/** What there is to buy, as a look at the whole catalogue told before the trade began. */
export interface Goods {
  id: string
  offerId: string
  title: string
}

/** Few products sell often, most now and then. */
export const favourite = (goods: readonly Goods[]): Goods => goods[Math.floor(goods.length * Math.random() ** 2)]!

export const wordOf = ({ title }: Goods): string => pick(Math.random, title.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 2)) ?? title

/** Up to a thousand products that can be bought. Rejects when there is none. */
export async function goodsOf(http: Pick<HttpClient, 'request'>): Promise<Goods[]> {
  const pages = await pagesOf(http, PAGE, PAGES)
  const goods = pages.flatMap(({ page }) => (page.items as { id: string; title: string; offerId: string | null }[]).flatMap(({ id, title, offerId }) => (offerId === null ? [] : [{ id, title, offerId }])))
  if (goods.length === 0) throw new Error('there is nothing to buy: the catalogue is empty, or not there yet')
  return goods
}
