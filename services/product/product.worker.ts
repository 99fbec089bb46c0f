import { Batcher } from '../../mixins/batch/batcher.ts'
import { SharedCache } from '../../mixins/cache/shared-cache.ts'
import { consumer } from '../../mixins/events/consumer.ts'
import { idempotently, sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { takeFresh } from '../../mixins/inbox/inbox.ts'
import { withKeys, type OpenKeys } from '../../mixins/keys/keys.ts'
import { withObjects } from '../../mixins/objects/objects.ts'
import type { ObjectStore } from '../../mixins/objects/port.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { hint } from '../../mixins/runtime/calls.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { readUpload } from '../../mixins/runtime/upload.ts'
import '../inventory/inventory.contract.ts'
import { defaultBuyBox } from './buy-box.ts'
import { cardRows, listRows, productRows, scanRows, sellableRows } from './catalogue.store.ts'
import { addCategory, CategoryTrees, importCategories } from './category.store.ts'
import { addImage, addOffer, createProduct, expectPictureWanted, removeImage, removeOffer, removeProduct, updateOfferOf, updateProductOf, type Editing } from './editing.ts'
import { importProducts } from './import.store.ts'
import { defaultListingCheck } from './listing-check.ts'
import { PICTURE_BYTES_MAX } from './picture-types.ts'
import { storePicture } from './pictures.ts'
import { productActions as contracts, type Card, type Product, type Sellable } from './product.contract.ts'
import { settle, updateAvailability } from './product.store.ts'
import { cardOf, documentOf, imageOf, productOf, ranked, sellableOf } from './product.ts'

type ProductWorker = ServiceThis<
  WithDatabase & {
    keys: OpenKeys
    objects: ObjectStore
    editing: Editing
    trees: CategoryTrees
    details: SharedCache<Product>
    detailReads: Batcher<string, Product | undefined>
    cards: Batcher<string, Card | undefined>
    offers: Batcher<string, Sellable | undefined>
  }
>

const full = (): Error => problem('overloaded', 'Too many requests wait for the catalogue: try again shortly.', { retryAfter: 1 })
const READS = { max: 500, inFlight: 2, maxWaiting: 20_000, full }

/** All ids that wait at the same time, in one read. */
const batched = <V>(read: (ids: string[]) => Promise<ReadonlyMap<string, V>>): Batcher<string, V | undefined> =>
  new Batcher(async (ids) => {
    const found = await read([...new Set(ids)])
    return ids.map((id) => found.get(id))
  }, READS)

const present = async <V>(reads: Batcher<string, V | undefined>, ids: readonly string[]): Promise<{ items: V[] }> => ({
  items: (await Promise.all(ids.map((id) => reads.add(id)))).filter((value): value is Awaited<V> & {} => value !== undefined)
})

async function productsById(worker: ProductWorker, ids: readonly string[]): Promise<Map<string, Product>> {
  const rows = await productRows(worker.db, ids)
  return new Map(rows.map(({ row, offers }) => [row.id, productOf(row, ranked(offers, worker.editing.buyBox, row.currency).offers)]))
}

/** No cache anywhere serves these any longer than it must. */
async function forget(worker: ProductWorker, productIds: readonly string[], offerIds: readonly string[]): Promise<void> {
  await worker.details.drop(productIds)
  hint(worker.broker, 'card.changed', { productIds: [...productIds], offerIds: [...offerIds] })
}

/**
 * The catalogue: categories, products, sellers' offers on them, and pictures. It keeps: a product lies in a leaf; its buy box is
 * what the strategy makes of its active offers, in the same commit; its version grows with anything that is shown of it, and each
 * version is one `product_changed`. Availability follows the stock's own events.
 */
export default service({
  name: 'product.worker',
  mixins: [
    consumer<ProductWorker>({
      group: 'product.worker',
      topics: {
        async stock_changed(batch) {
          const settled = await this.db.tx(async (tx) => {
            const fresh = await takeFresh(tx, 'product', 'stock', batch)
            const last = new Map(fresh.map(({ body }) => body as (typeof batch)[number]['body']).map((news) => [news.offerId, news]))
            return settle(tx, await updateAvailability(tx, [...last.values()]), this.editing.buyBox, this.trees)
          })
          if (settled.size > 0) await forget(this, [...settled.keys()], batch.map((event) => event.body.offerId))
        }
      }
    }),
    periodic<ProductWorker>('product idempotency sweep', 3_600_000, async function () {
      await sweepIdempotency(this.db)
    }),
    serviceDatabase('product'),
    withKeys(),
    withObjects()
  ],

  actions: {
    cards: workerAction(contracts['product.worker.cards'], {
      retrySafe: true,
      handler(this: ProductWorker, ctx) {
        return present(this.cards, ctx.params.ids)
      }
    }),

    details: workerAction(contracts['product.worker.details'], {
      retrySafe: true,
      handler(this: ProductWorker, ctx) {
        return present(this.detailReads, ctx.params.ids)
      }
    }),

    offers: workerAction(contracts['product.worker.offers'], {
      retrySafe: true,
      handler(this: ProductWorker, ctx) {
        return present(this.offers, ctx.params.offerIds)
      }
    }),

    list: workerAction(contracts['product.worker.list'], {
      retrySafe: true,
      async handler(this: ProductWorker, ctx) {
        const { category, seller, sort = 'newest', limit = 20, cursor } = ctx.params
        const leaves = category === undefined ? null : (await this.trees.get(this.db)).leaves(category)
        const page = await listRows(this.db, { leaves, seller, sort, limit, cursor })
        return { items: page.items.map(cardOf), nextCursor: page.nextCursor }
      }
    }),

    categories: workerAction(contracts['product.worker.categories'], {
      retrySafe: true,
      async handler(this: ProductWorker) {
        return { items: [...(await this.trees.get(this.db)).items] }
      }
    }),

    addCategory: workerAction(contracts['product.worker.addCategory'], {
      async handler(this: ProductWorker, ctx) {
        const category = await idempotently(ctx, this.db, 201, (tx) => addCategory(tx, ctx.params))
        hint(this.broker, 'catalogue.changed', {})
        return category
      }
    }),

    addCategories: workerAction(contracts['product.worker.addCategories'], {
      retrySafe: true,
      async handler(this: ProductWorker, ctx) {
        const added = await importCategories(this.db, ctx.params.categories)
        if (added > 0) hint(this.broker, 'catalogue.changed', {})
        return { added }
      }
    }),

    create: workerAction(contracts['product.worker.create'], {
      async handler(this: ProductWorker, ctx) {
        const product = await createProduct(this.editing, ctx, ctx.params)
        hint(this.broker, 'catalogue.changed', {}) // its seller's list has it, unsold
        return product
      }
    }),

    update: workerAction(contracts['product.worker.update'], {
      handler(this: ProductWorker, ctx) {
        return updateProductOf(this.editing, ctx, ctx.params)
      }
    }),

    remove: workerAction(contracts['product.worker.remove'], {
      async handler(this: ProductWorker, ctx) {
        const answer = await removeProduct(this.editing, ctx, ctx.params)
        hint(this.broker, 'catalogue.changed', {})
        return answer
      }
    }),

    addOffer: workerAction(contracts['product.worker.addOffer'], {
      async handler(this: ProductWorker, ctx) {
        const answer = await addOffer(this.editing, ctx, ctx.params)
        hint(this.broker, 'catalogue.changed', {}) // the first offer puts a product into the lists
        return answer
      }
    }),

    updateOffer: workerAction(contracts['product.worker.updateOffer'], {
      handler(this: ProductWorker, ctx) {
        return updateOfferOf(this.editing, ctx, ctx.params)
      }
    }),

    removeOffer: workerAction(contracts['product.worker.removeOffer'], {
      handler(this: ProductWorker, ctx) {
        return removeOffer(this.editing, ctx, ctx.params)
      }
    }),

    addImage: workerAction(contracts['product.worker.addImage'], {
      timeout: 60_000,
      async handler(this: ProductWorker, ctx) {
        await expectPictureWanted(this.editing, ctx.params)
        const imageId = await storePicture(this.objects, await readUpload(ctx, PICTURE_BYTES_MAX))
        return addImage(this.editing, ctx, ctx.params, imageId)
      }
    }),

    storePicture: workerAction(contracts['product.worker.storePicture'], {
      timeout: 60_000,
      async handler(this: ProductWorker, ctx) {
        return imageOf(await storePicture(this.objects, await readUpload(ctx, PICTURE_BYTES_MAX)))
      }
    }),

    removeImage: workerAction(contracts['product.worker.removeImage'], {
      handler(this: ProductWorker, ctx) {
        return removeImage(this.editing, ctx, ctx.params)
      }
    }),

    import: workerAction(contracts['product.worker.import'], {
      retrySafe: true,
      timeout: 60_000,
      async handler(this: ProductWorker, ctx) {
        const added = await this.db.tx((tx) => importProducts(tx, ctx.params.products, this.editing.buyBox, this.trees))
        return { added: added.length }
      }
    }),

    scan: workerAction(contracts['product.worker.scan'], {
      retrySafe: true,
      async handler(this: ProductWorker, ctx) {
        const rows = await scanRows(this.db, ctx.params.after ?? '', ctx.params.limit)
        const categories = await this.trees.get(this.db, rows.map((row) => row.category))
        return { items: rows.map((row) => documentOf(row, row.sellerIds, categories)) }
      }
    })
  },

  events: {
    'catalogue.changed'(this: ProductWorker) {
      this.trees.clear()
    }
  },

  created(this: ProductWorker) {
    this.trees = new CategoryTrees(5_000)
    this.editing = {
      db: this.db,
      buyBox: defaultBuyBox,
      check: defaultListingCheck,
      trees: this.trees,
      changed: (productIds, offerIds) => forget(this, productIds, offerIds)
    }
    this.details = new SharedCache(this.keys, (ids) => productsById(this, ids), { prefix: 'product:', ttlMs: 60_000 }, (error) => this.logger.debug('the product cache was passed by:', error))
    this.detailReads = batched((ids) => this.details.get(ids))
    this.cards = batched(async (ids) => new Map((await cardRows(this.db, ids)).map((row) => [row.id, cardOf(row)])))
    this.offers = batched(async (ids) => new Map((await sellableRows(this.db, ids)).map((row) => [row.id, sellableOf(row)])))
  }
})
