import { DEPARTMENTS } from './tree.ts'

/** A seller of the demo marketplace. */
export interface DemoSeller {
  id: string
  name: string
  email: string
  /** Slugs of the departments it sells in. */
  departments: ReadonlySet<string>
}

const all = DEPARTMENTS.map((d) => d.slug)

const seller = (id: string, name: string, departments: readonly string[], email = `trade@${id}.souk.example`): DemoSeller => ({ id, name, email, departments: new Set(departments) })

/** The first one belongs to the demo account of sellers. */
export const SELLERS: readonly DemoSeller[] = [
  seller('harbour-main', 'Harbour & Main', all, 'seller@souk.example'),
  seller('bluebird-goods', 'Bluebird Goods', all),
  seller('northgate-trading', 'Northgate Trading', all),
  seller('circuit-avenue', 'Circuit Avenue', ['electronics', 'office', 'music', 'toys', 'health']),
  seller('pixel-pantry', 'Pixel & Pantry', ['electronics', 'kitchen', 'grocery']),
  seller('oak-and-ember', 'Oak & Ember', ['home', 'kitchen', 'garden', 'tools']),
  seller('fernway-home', 'Fernway Home', ['home', 'garden', 'baby', 'pets', 'beauty']),
  seller('copper-kettle', 'The Copper Kettle', ['kitchen', 'grocery', 'home']),
  seller('tailor-row', 'Tailor Row', ['fashion', 'beauty', 'baby']),
  seller('stride-outfitters', 'Stride Outfitters', ['sports', 'fashion', 'automotive', 'health']),
  seller('second-chapter', 'Second Chapter', ['books', 'music', 'office', 'toys']),
  seller('little-lighthouse', 'Little Lighthouse', ['toys', 'baby', 'books', 'office']),
  seller('workbench-supply', 'Workbench Supply', ['tools', 'automotive', 'garden', 'electronics']),
  seller('paws-and-perches', 'Paws & Perches', ['pets', 'garden', 'health']),
  seller('apothecary-lane', 'Apothecary Lane', ['beauty', 'health', 'grocery']),
  seller('encore-exchange', 'Encore Exchange', ['music', 'electronics', 'books', 'sports'])
]

const serving = new Map(all.map((slug) => [slug, SELLERS.filter((s) => s.departments.has(slug))]))

/** Sellers of a department; at least three. */
export const sellersOf = (department: string): readonly DemoSeller[] => serving.get(department)!
