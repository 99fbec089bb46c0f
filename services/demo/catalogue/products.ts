import { money, type Money } from '../../../mixins/primitives/money.ts'
import { availabilityOf } from '../../inventory/inventory.contract.ts'
import type { ImportedProduct } from '../../product/product.contract.ts'
import { defaultWarehouse } from '../../seller/seller.contract.ts'
import { demoId, Dice } from './dice.ts'
import { sellersOf, type DemoSeller } from './sellers.ts'
import { PLACES, type Place } from './tree.ts'
import type { PriceRange } from './types.ts'
import { AUTHORS, BOOK_OPENINGS, BOOK_TITLES, MODELS, OPENINGS } from './words.ts'

/** A product of the demo with what lies in the warehouses; its picture is named, not made. */
export interface DemoProduct {
  product: ImportedProduct
  stock: { offerId: string; warehouseId: string; onHand: number }[]
  picture: PictureName
}

/** An icon on a ground of one tint: products that look alike share it. */
export interface PictureName {
  icon: string
  tint: Tint
}

export const TINTS = ['warm', 'cool', 'neutral'] as const
export type Tint = (typeof TINTS)[number]

/** When the newest demo product was made; the others are two minutes apart. Fixed, so that an interrupted run goes on with the same ids. */
const NEWEST_AT = Date.UTC(2026, 0, 1)
const APART_MS = 120_000

/** Coprime to the number of leaves, so that neighbours in the newest-first list are of different departments. */
const STRIDE = 67

const WARM = /red|terracotta|ochre|sunflower|chestnut|cream|sunburst|walnut/i
const COOL = /blue|green|sky|lavender|silver|sage/i

type Offer = ImportedProduct['offers'][number]

const lower = (noun: string): string => noun.charAt(0).toLowerCase() + noun.slice(1)
const fill = (text: string, values: Readonly<Record<string, string>>): string => text.replace(/\{(\w+)\}/g, (_, name: string) => values[name]!)

/** Dear things are rarer than cheap ones; amounts end as prices do. */
function priceIn([from, to]: PriceRange, dice: Dice): Money {
  const units = from * (to / from) ** (dice.next() ** 1.6)
  const cents = units >= 200 ? dice.pick([0, 0, 0, 99]) : dice.pick([99, 95, 90, 50, 49, 0])
  return money(Math.max(1, Math.floor(units)) * 100 + cents)
}

function onHandOf(dice: Dice): number {
  const luck = dice.next()
  if (luck < 0.06) return 0
  if (luck < 0.15) return dice.int(1, 5)
  return 6 + Math.floor(280 * dice.next() ** 2)
}

/** The tint that suits a product's colour. */
function tintOf({ color: look = '' }: Readonly<Record<string, string>>): Tint {
  return WARM.test(look) ? 'warm' : COOL.test(look) ? 'cool' : 'neutral'
}

interface Naming {
  title: string
  brand: string
  attributes: Record<string, string>
  opening: string
}

function nameGoods({ leaf, department }: Place, noun: string, dice: Dice): Naming {
  const brand = dice.pick(department.brands.stems) + dice.pick(department.brands.styles)
  const model = dice.pick(MODELS)
  const attributes = Object.fromEntries(Object.entries(leaf.attributes).map(([name, values]) => [name, dice.pick(values)]))
  const shown = Object.values(attributes).slice(0, 2)
  return {
    title: `${brand} ${model} ${noun}, ${shown.join(', ')}`,
    brand,
    attributes,
    opening: fill(dice.pick(OPENINGS), { brand, model, noun: lower(noun), leaf: leaf.name.toLowerCase() })
  }
}

function nameBook({ leaf, department }: Place, noun: string, dice: Dice): Naming {
  const brand = dice.pick(department.brands.stems) + dice.pick(department.brands.styles)
  const author = dice.pick(AUTHORS)
  const attributes = Object.fromEntries(Object.entries(leaf.attributes).map(([name, values]) => [name, dice.pick(values)]))
  return {
    title: `${dice.pick(BOOK_TITLES)}: ${noun} by ${author}, ${attributes['format']}`,
    brand,
    attributes: { author, ...attributes },
    opening: fill(dice.pick(BOOK_OPENINGS), { author, brand })
  }
}

const described = (opening: string, { leaf, department }: Place, attributes: Readonly<Record<string, string>>, dice: Dice): string => {
  const details = Object.entries(attributes).map(([name, value]) => `${name} ${value}`).join(', ')
  return [`${opening} ${dice.draw(leaf.facts, 3).join(' ')}`, `Details: ${details}.`, dice.draw(department.promises, 2).join(' ')].join('\n\n')
}

/** One offer: the first at the list price and new, the others a little off, some of them used where that is usual. */
function offerOf(seller: DemoSeller, place: Place, list: Money, first: boolean, at: number, dice: Dice): { offer: Offer; stock: DemoProduct['stock'][number] } {
  const condition = !first && place.department.secondHand && dice.chance(0.4) ? dice.pick(['used', 'refurbished'] as const) : 'new'
  const share = first ? 1 : condition === 'new' ? 0.95 + dice.next() * 0.15 : 0.55 + dice.next() * 0.3
  const id = demoId(at, dice)
  const onHand = onHandOf(dice)
  const warehouseId = defaultWarehouse(seller.id)
  return {
    offer: { id, sellerId: seller.id, sellerName: seller.name, warehouseId, price: money(Math.max(100, Math.round(list.amount * share))), condition, handlingDays: dice.int(0, 3), availability: availabilityOf(onHand) },
    stock: { offerId: id, warehouseId, onHand }
  }
}

function offersOf(place: Place, price: PriceRange, at: number, dice: Dice): ReturnType<typeof offerOf>[] {
  const luck = dice.next()
  const sellers = dice.draw(sellersOf(place.department.slug), luck < 0.55 ? 1 : luck < 0.85 ? 2 : luck < 0.97 ? 3 : 4)
  const list = priceIn(price, dice)
  return sellers.map((seller, i) => offerOf(seller, place, list, i === 0, at, dice))
}

/** The product of a place in the newest-first list, from 0: always the same one. */
export function demoProduct(index: number): DemoProduct {
  const dice = new Dice(`souk/product/${index}`)
  const at = NEWEST_AT - index * APART_MS
  const place = PLACES[(index * STRIDE) % PLACES.length]!
  const { leaf } = place
  const [noun, icon, price = leaf.price] = leaf.nouns[Math.floor(index / PLACES.length) % leaf.nouns.length]!
  const { title, brand, attributes, opening } = (leaf.book ? nameBook : nameGoods)(place, noun, dice)
  const id = demoId(at, dice)
  const offers = offersOf(place, price, at, dice)
  return {
    product: {
      id,
      title,
      brand,
      category: leaf.slug,
      description: described(opening, place, attributes, dice),
      attributes,
      images: [],
      ownerSellerId: offers[0]!.offer.sellerId,
      createdAt: new Date(at).toISOString(),
      offers: offers.map(({ offer }) => offer)
    },
    stock: offers.map(({ stock }) => stock),
    picture: { icon, tint: tintOf(attributes) }
  }
}
