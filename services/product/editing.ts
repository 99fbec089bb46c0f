import { idempotently } from '../../mixins/idempotency/idempotency.ts'
import type { Database, Queryable } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { DEFAULT_CURRENCY, type Money } from '../../mixins/primitives/money.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import type { ParamsOf } from '../../mixins/runtime/calls.ts'
import type { Ctx } from '../../mixins/runtime/service.ts'
import type { BuyBoxStrategy } from './buy-box.ts'
import { lockLeaf, type CategoryTrees } from './category.store.ts'
import type { Listing, ListingCheck } from './listing-check.ts'
import type { Editor, Image, Offer, Product, productActions } from './product.contract.ts'
import { countOffers, insertOffer, insertProduct, lockOffer, lockProduct, settle, updateOffer, updateProduct, type ProductEdit, type Settled } from './product.store.ts'
import { imageOf, IMAGES_MAX, offerOf, OFFERS_OF_SELLER_MAX, productOf, slugOf, type OfferRow } from './product.ts'

type Params<N extends keyof typeof productActions> = ParamsOf<(typeof productActions)[N]>
type Meta = Pick<Ctx, 'meta'>

/** What editing needs of its worker. */
export interface Editing {
  db: Database
  /** Policies of the marketplace. */
  buyBox: BuyBoxStrategy
  check: ListingCheck
  trees: CategoryTrees
  /** These products and offers have changed, and the change is committed. */
  changed(productIds: readonly string[], offerIds: readonly string[]): Promise<void>
}

/** A product is edited by the seller who brought it, and by administrators. */
function allow({ admin, sellerId }: Editor, ownerSellerId: string | null): void {
  if (!admin && (sellerId === null || sellerId !== ownerSellerId)) throw problem('forbidden', 'Only the seller it belongs to, or an administrator, may change this.')
}

function expectVersion(ifMatch: string | undefined, version: number): void {
  if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== String(version)) throw problem('version-conflict', 'It has changed since you read it: read it again.', { version })
}

function expectCurrency(price: Money | undefined): void {
  if (price && price.currency !== DEFAULT_CURRENCY) throw invalidField('price.currency', 'currency', `prices are in ${DEFAULT_CURRENCY}`)
}

function expectListable(check: ListingCheck, listing: Listing): void {
  const errors = check.check(listing)
  if (errors.length > 0) throw problem('validation-failed', `${errors[0]!.field} ${errors[0]!.message}.`, { errors })
}

/** Runs a change in one transaction, settles its products, and tells caches once it is committed. */
async function change<T>(editing: Editing, ctx: Meta, status: number, run: (tx: Queryable, settleAll: (productId: string, offerId?: string) => Promise<Settled>) => Promise<T>): Promise<T> {
  const products = new Set<string>()
  const offers = new Set<string>()
  const answer = await idempotently(ctx, editing.db, status, (tx) =>
    run(tx, async (productId, offerId) => {
      products.add(productId)
      const settled = (await settle(tx, [productId], editing.buyBox, editing.trees)).get(productId)!
      for (const offer of settled.offers) offers.add(offer.id)
      if (offerId) offers.add(offerId)
      return settled
    })
  )
  if (products.size > 0) await editing.changed([...products], [...offers])
  return answer
}

export const createProduct = (editing: Editing, ctx: Meta, { editor, attributes = {}, ...body }: Params<'product.worker.create'>): Promise<Product> => {
  if (!editor.admin && editor.sellerId === null) throw problem('forbidden', 'Only verified sellers bring products.')
  expectListable(editing.check, { ...body, attributes })
  return change(editing, ctx, 201, async (tx, settled) => {
    await lockLeaf(tx, body.category)
    const id = newId()
    await insertProduct(tx, { ...body, attributes, id, slug: slugOf(body.title), ownerSellerId: editor.sellerId })
    const { row, offers } = await settled(id)
    return productOf(row, offers)
  })
}

export const updateProductOf = (editing: Editing, ctx: Meta, { editor, id, ifMatch, ...patch }: Params<'product.worker.update'>): Promise<Product> =>
  change(editing, ctx, 200, async (tx, settled) => {
    const row = await lockProduct(tx, id)
    allow(editor, row.ownerSellerId)
    expectVersion(ifMatch, row.version)
    expectListable(editing.check, { title: patch.title ?? row.title, brand: patch.brand ?? row.brand, description: patch.description ?? row.description, attributes: patch.attributes ?? row.attributes })
    if (patch.category !== undefined && patch.category !== row.category) await lockLeaf(tx, patch.category)
    const edit: ProductEdit = { ...patch, ...(patch.title === undefined ? {} : { slug: slugOf(patch.title) }) } as ProductEdit
    await updateProduct(tx, id, edit)
    const after = await settled(id)
    return productOf(after.row, after.offers)
  })

export const removeProduct = (editing: Editing, ctx: Meta, { editor, id, ifMatch }: Params<'product.worker.remove'>): Promise<{ done: boolean }> =>
  change(editing, ctx, 204, async (tx, settled) => {
    const row = await lockProduct(tx, id)
    allow(editor, row.ownerSellerId)
    expectVersion(ifMatch, row.version)
    await updateProduct(tx, id, { status: 'removed' })
    await settled(id)
    return { done: true }
  })

export const addOffer = (editing: Editing, ctx: Meta, { editor, id, price, ...body }: Params<'product.worker.addOffer'>): Promise<Offer> => {
  const { sellerId } = editor
  if (sellerId === null) throw problem('forbidden', 'Only verified sellers make offers.')
  expectCurrency(price)
  return change(editing, ctx, 201, async (tx, settled) => {
    await lockProduct(tx, id)
    if ((await countOffers(tx, id, sellerId)) >= OFFERS_OF_SELLER_MAX) throw problem('conflict', `A seller has at most ${OFFERS_OF_SELLER_MAX} offers on one product.`)
    const offerId = newId()
    await insertOffer(tx, { ...body, id: offerId, productId: id, sellerId, price: price.amount, currency: price.currency })
    return offerOf(offerIn(await settled(id), offerId))
  })
}

export const updateOfferOf = (editing: Editing, ctx: Meta, { editor, id, ifMatch, price, ...patch }: Params<'product.worker.updateOffer'>): Promise<Offer> => {
  expectCurrency(price)
  return change(editing, ctx, 200, async (tx, settled) => {
    const offer = await lockOffer(tx, id)
    allow(editor, offer.sellerId)
    expectVersion(ifMatch, offer.version)
    await updateOffer(tx, id, { ...patch, ...(price ? { price: price.amount, currency: price.currency } : {}) } as Partial<OfferRow>)
    return offerOf(offerIn(await settled(offer.productId), id))
  })
}

export const removeOffer = (editing: Editing, ctx: Meta, { editor, id, ifMatch }: Params<'product.worker.removeOffer'>): Promise<{ done: boolean }> =>
  change(editing, ctx, 204, async (tx, settled) => {
    const offer = await lockOffer(tx, id)
    allow(editor, offer.sellerId)
    expectVersion(ifMatch, offer.version)
    await updateOffer(tx, id, { active: false })
    await settled(offer.productId, id)
    return { done: true }
  })

/** Whether a picture may be added, asked before its bytes are worked on. */
export async function expectPictureWanted(editing: Editing, { editor, id }: Params<'product.worker.addImage'>): Promise<void> {
  const row = await editing.db.tx((tx) => lockProduct(tx, id))
  allow(editor, row.ownerSellerId)
  expectRoom(row.images)
}

/** Adds a stored picture at the end; one that the product has already stays where it is. */
export const addImage = (editing: Editing, ctx: Meta, { editor, id }: Params<'product.worker.addImage'>, imageId: string): Promise<Image> =>
  change(editing, ctx, 201, async (tx, settled) => {
    const row = await lockProduct(tx, id)
    allow(editor, row.ownerSellerId)
    if (!row.images.includes(imageId)) {
      expectRoom(row.images)
      await updateProduct(tx, id, { images: [...row.images, imageId] })
      await settled(id)
    }
    return imageOf(imageId)
  })

/** Takes a picture out of a product. Its bytes stay: other products may show the same, and its URLs never change what they show. */
export const removeImage = (editing: Editing, ctx: Meta, { editor, id, imageId }: Params<'product.worker.removeImage'>): Promise<{ done: boolean }> =>
  change(editing, ctx, 204, async (tx, settled) => {
    const row = await lockProduct(tx, id)
    allow(editor, row.ownerSellerId)
    if (!row.images.includes(imageId)) throw problem('not-found', 'This product has no such picture.')
    await updateProduct(tx, id, { images: row.images.filter((i) => i !== imageId) })
    await settled(id)
    return { done: true }
  })

function expectRoom(images: readonly string[]): void {
  if (images.length >= IMAGES_MAX) throw problem('conflict', `A product has at most ${IMAGES_MAX} pictures: remove one first.`)
}

const offerIn = ({ offers }: Settled, id: string): OfferRow => offers.find((offer) => offer.id === id)!
