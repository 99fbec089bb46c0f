import { existsSync } from 'node:fs'
import type { ServiceBroker } from 'moleculer'
import { alone, readNote, writeNote } from '../mixins/postgres/prepare.ts'

/** What the demo's own module is given. It finds what an interrupted run left, and goes on from there. */
export interface SeedOptions {
  broker: ServiceBroker
  /** Products of the catalogue. */
  products: number
  onProgress: (share: number, note?: string) => void
}

type SeedDemo = (options: SeedOptions) => Promise<unknown>

/** In the database itself, so that every node that uses it knows. Noted before the first account is made. */
const NOTE = 'demo'
const module = new URL('../services/demo/demo.ts', import.meta.url)

/** True when the catalogue and accounts of the demo are yet to be made, or were not finished. */
export const needsDemo = async (databaseUrl: string): Promise<boolean> => existsSync(module) && (await readNote(databaseUrl, NOTE)) !== 'done'

/** Throws one clear line when a node that is no demo would run on data with the demo's accounts. */
export async function refuseDemoAccounts(databaseUrl: string): Promise<void> {
  if ((await readNote(databaseUrl, NOTE)) === null) return
  throw new Error('SOUK_DEMO is 0, but this database holds the demo accounts, whose password everybody knows: use a database (or --data-dir) of its own')
}

/** Who takes the demo's accounts and goods; on other nodes, when this one is joined. */
const TAKERS = ['auth.worker', 'inventory.worker', 'pricing.worker', 'product.worker', 'seller.worker']
const TAKERS_MS = 60_000

/** Makes the demo's accounts and catalogue, unless another node does so at this moment. */
export const seed = (databaseUrl: string, options: SeedOptions): Promise<void> =>
  alone(databaseUrl, NOTE, async () => {
    if (!(await needsDemo(databaseUrl))) return
    await options.broker.waitForServices(TAKERS, TAKERS_MS, 50)
    await writeNote(databaseUrl, NOTE, 'started')
    const { seedDemo } = (await import(module.href)) as { seedDemo: SeedDemo }
    await seedDemo(options)
    await writeNote(databaseUrl, NOTE, 'done')
  })
