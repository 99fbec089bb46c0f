import { recordBehaviour } from '../../mixins/behaviour/behaviour.ts'
import { LoadingCache } from '../../mixins/cache/loading-cache.ts'
import { withObjects } from '../../mixins/objects/objects.ts'
import type { ObjectStore } from '../../mixins/objects/port.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call, type Hints, type ParamsOf } from '../../mixins/runtime/calls.ts'
import { answer, prepare, prepareBytes, type Prepared } from '../../mixins/runtime/prepared.ts'
import { publicAction, service, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'
import { passUpload } from '../../mixins/runtime/upload.ts'
import '../seller/seller.contract.ts'
import { PICTURE_BYTES_MAX, PICTURE_TYPES } from './picture-types.ts'
import { productActions as contracts, type Editor } from './product.contract.ts'

/** A page of a list, as it is sent, and what is on it. */
interface ListedPage {
  prepared: Prepared
  productIds: ReadonlySet<string>
}

type ProductFace = ServiceThis<{
  objects: ObjectStore
  products: LoadingCache<Prepared>
  pages: LoadingCache<ListedPage>
  trees: LoadingCache<Prepared>
  pictures: LoadingCache<Prepared>
}>

type ListQuery = ParamsOf<(typeof contracts)['product.list']>

const full = (): Error => problem('overloaded', 'Too many requests wait for the catalogue: try again shortly.', { retryAfter: 1 })
const noProduct = (): Error => problem('not-found', 'There is no such product.')

const YEAR_S = 365 * 24 * 3_600
const EDITORS = ['seller', 'admin'] as const

/** Who is editing: the seller they act for, if there is one. */
async function editorOf(ctx: Ctx): Promise<Editor & { seller: { name: string; warehouseId: string } | null }> {
  const { caller } = ctx.meta
  if (caller?.kind !== 'user') throw problem('forbidden', 'Only sellers and administrators edit the catalogue.')
  const { seller } = await call(ctx, 'seller.worker.ofUser', { userId: caller.userId })
  return { userId: caller.userId, sellerId: seller?.status === 'verified' ? seller.id : null, admin: caller.roles.includes('admin'), seller }
}

async function asEditor(ctx: Ctx): Promise<{ editor: Editor; ifMatch: string | undefined }> {
  const { seller: _, ...editor } = await editorOf(ctx)
  return { editor, ifMatch: ctx.meta.ifMatch }
}

/** Only what a query says, in one order: equal queries have equal keys. */
const pageKey = ({ category, seller, sort, limit, cursor }: ListQuery): string => JSON.stringify([category ?? null, seller ?? null, sort ?? 'newest', limit ?? 20, cursor ?? null])

async function loadPage(face: ProductFace, key: string): Promise<ListedPage> {
  const [category, seller, sort, limit, cursor] = JSON.parse(key) as [string | null, string | null, NonNullable<ListQuery['sort']>, number, string | null]
  const page = await call(face.broker, 'product.worker.list', { sort, limit, ...(category ? { category } : {}), ...(seller ? { seller } : {}), ...(cursor ? { cursor } : {}) })
  return { prepared: prepare(page), productIds: new Set(page.items.map((card) => card.id)) }
}

/**
 * The catalogue as the world sees it. Owns nothing but answers ready to send, kept in this thread for seconds: hints drop them when
 * something changes, their age bounds them when a hint is lost. Rights are decided by the owner, from who the caller is.
 */
export default service({
  name: 'product',
  dependencies: ['product.worker', 'seller.worker'],
  mixins: [withObjects()],

  actions: {
    categories: publicAction(contracts['product.categories'], { rest: 'GET /categories', auth: 'anyone', summary: 'The whole category tree, flat' }, async function (this: ProductFace) {
      return answer((await this.trees.get('all'))!, () => this.trees.peek('all') ?? null)
    }),

    list: publicAction(contracts['product.list'], { rest: 'GET /products', auth: 'anyone', summary: 'Products, newest first unless told' }, async function (this: ProductFace, ctx) {
      const key = pageKey(ctx.params)
      return answer((await this.pages.get(key))!.prepared, () => this.pages.peek(key)?.prepared ?? null)
    }),

    get: publicAction(contracts['product.get'], { rest: 'GET /products/{id}', auth: 'anyone', summary: 'A product with its offers, best first', etag: 'version' }, async function (this: ProductFace, ctx) {
      const productId = ctx.params.id
      const product = await this.products.get(productId)
      if (!product) throw noProduct()
      recordBehaviour(ctx, { kind: 'product_viewed', productId })
      return answer(product, () => {
        const again = this.products.peek(productId)
        if (again) recordBehaviour({ broker: this.broker, meta: {} }, { kind: 'product_viewed', productId })
        return again ?? null
      })
    }),

    image: publicAction(
      contracts['product.image'],
      { rest: 'GET /images/{key}', auth: 'open', summary: 'A picture in one size; its URL never changes what it shows', cacheSeconds: YEAR_S },
      async function (this: ProductFace, ctx) {
        const { key } = ctx.params
        const picture = await this.pictures.get(key)
        if (!picture) throw problem('not-found', 'There is no such picture.')
        return answer(picture, () => this.pictures.peek(key) ?? null)
      }
    ),

    addCategory: publicAction(
      contracts['product.addCategory'],
      { rest: 'POST /categories', auth: ['admin'], summary: 'Add a category', status: 201, idempotent: 'honoured', problems: ['conflict'] },
      (ctx) => call(ctx, 'product.worker.addCategory', ctx.params)
    ),

    create: publicAction(
      contracts['product.create'],
      { rest: 'POST /products', auth: EDITORS, summary: 'Add a product; what passes the automatic checks is sold at once', status: 201, idempotent: 'honoured', etag: 'version' },
      async (ctx) => call(ctx, 'product.worker.create', { editor: (await asEditor(ctx)).editor, ...ctx.params })
    ),

    update: publicAction(
      contracts['product.update'],
      { rest: 'PATCH /products/{id}', auth: EDITORS, summary: 'Change a product', etag: 'version', problems: ['version-conflict'] },
      async (ctx) => call(ctx, 'product.worker.update', { ...(await asEditor(ctx)), ...ctx.params })
    ),

    remove: publicAction(
      contracts['product.remove'],
      { rest: 'DELETE /products/{id}', auth: EDITORS, summary: 'Take a product and all its offers back', status: 204, problems: ['version-conflict'] },
      async (ctx) => {
        await call(ctx, 'product.worker.remove', { ...(await asEditor(ctx)), ...ctx.params })
        return null
      }
    ),

    addOffer: publicAction(
      contracts['product.addOffer'],
      { rest: 'POST /products/{id}/offers', auth: EDITORS, summary: 'Offer a product for sale', status: 201, idempotent: 'honoured', etag: 'version', problems: ['conflict'] },
      async (ctx) => {
        const { seller, ...editor } = await editorOf(ctx)
        if (!seller) throw problem('forbidden', 'Only verified sellers make offers.')
        return call(ctx, 'product.worker.addOffer', { editor, sellerName: seller.name, warehouseId: seller.warehouseId, ...ctx.params })
      }
    ),

    updateOffer: publicAction(
      contracts['product.updateOffer'],
      { rest: 'PATCH /offers/{id}', auth: EDITORS, summary: 'Change an offer', etag: 'version', problems: ['version-conflict'] },
      async (ctx) => call(ctx, 'product.worker.updateOffer', { ...(await asEditor(ctx)), ...ctx.params })
    ),

    removeOffer: publicAction(
      contracts['product.removeOffer'],
      { rest: 'DELETE /offers/{id}', auth: EDITORS, summary: 'Take an offer back', status: 204, problems: ['version-conflict'] },
      async (ctx) => {
        await call(ctx, 'product.worker.removeOffer', { ...(await asEditor(ctx)), ...ctx.params })
        return null
      }
    ),

    addImage: publicAction(
      contracts['product.addImage'],
      { rest: 'POST /products/{id}/images', auth: EDITORS, summary: 'Add a picture; it is re-encoded in three sizes', status: 201, upload: { maxBytes: PICTURE_BYTES_MAX, types: PICTURE_TYPES }, problems: ['conflict'] },
      async (ctx) => call(ctx, 'product.worker.addImage', { editor: (await asEditor(ctx)).editor, id: ctx.params.id }, passUpload(ctx))
    ),

    removeImage: publicAction(
      contracts['product.removeImage'],
      { rest: 'DELETE /products/{id}/images/{imageId}', auth: EDITORS, summary: 'Take a picture out of a product', status: 204 },
      async (ctx) => {
        await call(ctx, 'product.worker.removeImage', { editor: (await asEditor(ctx)).editor, ...ctx.params })
        return null
      }
    )
  },

  events: {
    'card.changed'(this: ProductFace, ctx: Ctx<Hints['card.changed']>) {
      const { productIds } = ctx.params
      this.products.drop(productIds)
      for (const [key, page] of this.pages.values) if (productIds.some((id) => page.productIds.has(id))) this.pages.drop([key])
    },

    'catalogue.changed'(this: ProductFace) {
      this.pages.clear()
      this.trees.clear()
    }
  },

  created(this: ProductFace) {
    const bounds = { maxWaiting: 10_000, full }
    this.products = new LoadingCache(
      async (ids) => {
        const { items } = await call(this.broker, 'product.worker.details', { ids })
        return new Map(items.map((product) => [product.id, prepare(product, String(product.version))]))
      },
      { ttlMs: 5_000, max: 5_000, ...bounds }
    )
    this.pages = new LoadingCache(async (keys) => new Map(await Promise.all(keys.map(async (key) => [key, await loadPage(this, key)] as const))), { ttlMs: 2_000, max: 500, maxLoad: 1, ...bounds })
    this.trees = new LoadingCache(async () => new Map([['all', prepare(await call(this.broker, 'product.worker.categories', {}))]]), { ttlMs: 5_000, max: 1, ...bounds })
    this.pictures = new LoadingCache(
      async (keys) => {
        const found = await Promise.all(keys.map(async (key) => [key, await this.objects.get(key)] as const))
        return new Map(found.flatMap(([key, object]) => (object ? [[key, prepareBytes(object.body, object.type, key)] as const] : [])))
      },
      { ttlMs: YEAR_S * 1_000, max: 500, maxLoad: 16, ...bounds }
    )
  }
})
