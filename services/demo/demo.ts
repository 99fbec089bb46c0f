import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CallingOptions, ServiceBroker } from 'moleculer'
import { newToken } from '../../mixins/primitives/ids.ts'
import { problemType } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import type { Role } from '../../mixins/runtime/service.ts'
import '../auth/auth.contract.ts'
import '../pricing/pricing.contract.ts'
import '../search/search.contract.ts'
import { demoProduct, type DemoProduct, type PictureName } from './catalogue/products.ts'
import { SELLERS } from './catalogue/sellers.ts'
import { categories, PLACES } from './catalogue/tree.ts'
import { drawPicture, readIcons, type Icons } from './pictures.ts'

/** The password of the demo's accounts; everybody knows it, so a node that is no demo refuses to start on their data. */
const PASSWORD = 'souk-demo-2026'
const ACCOUNTS: readonly { email: string; name: string; roles: Role[] }[] = [
  { email: 'shopper@souk.example', name: 'Sam Shopper', roles: ['shopper'] },
  { email: 'seller@souk.example', name: 'Selma Seller', roles: ['shopper', 'seller'] },
  { email: 'admin@souk.example', name: 'Adrian Admin', roles: ['shopper', 'admin'] },
  { email: 'carrier@souk.example', name: 'Carla Carrier', roles: ['shopper', 'carrier'] }
]
const COUPON = { code: 'SOUK10', percent: 10, usesPerBuyer: 1 }

/** Products of one step: with its texts a step stays well below what any transport carries. */
const STEP = 200
/** Pictures on their way at once. */
const PICTURES_AT_ONCE = 4

export interface DemoOptions {
  broker: ServiceBroker
  /** Products of the catalogue. */
  products: number
  onProgress: (share: number, note?: string) => void
}

/** Pictures by name, each made and stored once. */
class Gallery {
  readonly #broker: ServiceBroker
  readonly #icons: Icons
  readonly #stored = new Map<string, string>()

  constructor(broker: ServiceBroker, icons: Icons) {
    this.#broker = broker
    this.#icons = icons
  }

  /** Makes those that are not there yet. */
  async add(names: readonly PictureName[]): Promise<void> {
    const missing = [...new Map(names.map((name) => [this.#key(name), name]))].filter(([key]) => !this.#stored.has(key)).values()
    const work = async (): Promise<void> => {
      for (const [key, name] of missing) this.#stored.set(key, await this.#store(name))
    }
    await Promise.all(Array.from({ length: PICTURES_AT_ONCE }, work))
  }

  idOf(name: PictureName): string {
    return this.#stored.get(this.#key(name))!
  }

  #key({ icon, tint }: PictureName): string {
    return `${icon}/${tint}`
  }

  async #store(name: PictureName): Promise<string> {
    const stream = Readable.from([await drawPicture(this.#icons, name)], { objectMode: false })
    const { id } = await call(this.#broker, 'product.worker.storePicture', {}, { stream } as CallingOptions)
    return id
  }
}

/** Accounts of the demo and of its sellers; theirs have passwords that nobody knows, but for the demo's own. */
async function seedPeople(broker: ServiceBroker): Promise<void> {
  const known = new Set(ACCOUNTS.map((account) => account.email))
  const traders = SELLERS.filter((seller) => !known.has(seller.email)).map(({ email, name }) => ({ email, name, password: newToken(), roles: ['shopper', 'seller'] as Role[] }))
  const { items } = await call(broker, 'auth.worker.seedAccounts', { accounts: [...ACCOUNTS.map((account) => ({ ...account, password: PASSWORD })), ...traders] }, { timeout: 60_000 })
  const userIds = new Map(items.map(({ email, userId }) => [email, userId]))
  await call(broker, 'seller.worker.import', { sellers: SELLERS.map(({ id, name, email }) => ({ id, name, userId: userIds.get(email)! })) })
}

async function seedCoupon(broker: ServiceBroker): Promise<void> {
  await call(broker, 'pricing.worker.createCoupon', COUPON).catch((error: unknown) => {
    if (problemType(error) !== 'conflict') throw error // it is there
  })
}

/** One step of the catalogue. Products that are there are known by their ids, so they cost a look. */
async function seedProducts(broker: ServiceBroker, gallery: Gallery, goods: readonly DemoProduct[]): Promise<void> {
  const { items } = await call(broker, 'product.worker.cards', { ids: goods.map(({ product }) => product.id) })
  const there = new Set(items.map((card) => card.id))
  const fresh = goods.filter(({ product }) => !there.has(product.id))
  if (fresh.length > 0) {
    await gallery.add(fresh.map(({ picture }) => picture))
    await call(broker, 'product.worker.import', { products: fresh.map(({ product, picture }) => ({ ...product, images: [gallery.idOf(picture)] })) })
  }
  await call(broker, 'inventory.worker.import', { rows: goods.flatMap(({ stock }) => stock), announced: true })
}

/** Milliseconds without a newly found product after which the index is left to come when it comes. */
const INDEX_PATIENCE = 30_000

/** Waits until all products can be found, so that the first search of a new shop finds them. The index follows by itself, so it is not waited for for ever. */
async function awaitIndex({ broker, products, onProgress }: DemoOptions): Promise<void> {
  const count = (): Promise<number> => call(broker, 'search.worker.query', { limit: 1 }).then(
      ({ total }) => total,
      (error: { type?: string }) => (error.type === 'SERVICE_NOT_FOUND' ? products : 0)
    )
  let grewAt = Date.now()
  for (let found = await count(); found < products && Date.now() - grewAt < INDEX_PATIENCE; ) {
    onProgress(found / products, `${found} of ${products} products can be found`)
    await sleep(200)
    const now = await count()
    if (now > found) grewAt = Date.now()
    found = now
  }
}

/**
 * Fills an empty shop with the demo's accounts, sellers, coupon and catalogue: the same in every shop, product by product. Each
 * step may be repeated, so a run that was cut off is completed by the next one; memory does not grow with the catalogue.
 */
export async function seedDemo(options: DemoOptions): Promise<void> {
  const { broker, products, onProgress } = options
  onProgress(0, 'accounts and sellers')
  await Promise.all([seedPeople(broker), seedCoupon(broker), call(broker, 'product.worker.addCategories', { categories: categories() })])
  const gallery = new Gallery(broker, readIcons(new Set(PLACES.flatMap(({ leaf }) => leaf.nouns.map(([, icon]) => icon)))))
  for (let from = 0; from < products; from += STEP) {
    onProgress(from / products, `${from} of ${products} products`)
    const goods = Array.from({ length: Math.min(STEP, products - from) }, (_, i) => demoProduct(from + i))
    await seedProducts(broker, gallery, goods)
  }
  await awaitIndex(options)
  onProgress(1)
}
