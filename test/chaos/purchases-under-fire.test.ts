import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { audit } from '../audit/audit.ts'
import { violationsOf } from '../support/clean-books.ts'
import { cleanUp } from '../support/node-process.ts'
import { Shopper } from '../support/shopper.ts'
import { startWholeShop, type WholeShop } from '../support/whole-shop.ts'

const BUYERS = 16
const RUN_MS = 24_000
const TOKENS = ['tok_demo_ok', 'tok_demo_ok', 'tok_demo_ok', 'tok_demo_declined', 'tok_demo_lost', 'tok_demo_slow']

const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!

describe('buyers while parts of the shop die', () => {
  let shop: WholeShop
  beforeAll(async () => {
    shop = await startWholeShop({ SOUK_DEMO_CARRIER_S: '3', SOUK_LIMIT_AUTH_PER_MINUTE: '6000', SOUK_LOG_LEVEL: 'error' })
  }, 150_000)
  afterAll(async () => {
    await cleanUp()
  }, 30_000)

  test('lose nothing that was acknowledged, and the books are right afterwards', async () => {
    const offers = ((await new Shopper(shop.url).send('GET', '/products?limit=30')).body['items'] as unknown as { offerId: string; availability: string }[]).filter((p) => p.availability !== 'out_of_stock').map((p) => p.offerId)
    const acknowledged: { orderId: string; status: number; at: number }[] = []
    const outcomes = new Map<string, number>()
    const end = Date.now() + RUN_MS

    async function buy(): Promise<void> {
      const shopper = new Shopper(shop.url)
      await shopper.register()
      while (Date.now() < end) {
        await shopper.add(pick(offers))
        if (Math.random() < 0.5) await shopper.add(pick(offers), 2)
        const { status, body } = await shopper.checkout({ token: pick(TOKENS) })
        outcomes.set(String(status), (outcomes.get(String(status)) ?? 0) + 1)
        if (status === 201 || status === 202) {
          acknowledged.push({ orderId: String(body['id']), status, at: Date.now() })
          if (Math.random() < 0.2) await shopper.cancel(String(body['id']))
        } else await shopper.insist('DELETE', '/cart')
      }
    }

    const faults = async (): Promise<number> => {
      await sleep(4_000)
      for (const thread of ['commerce', 'background', 'web']) {
        await shop.repl('dcall', `souk.${thread}`, '$door.exit')
        await sleep(2_500)
      }
      await shop.powerCut()
      await shop.restart()
      return Date.now()
    }
    const [back] = await Promise.all([faults(), ...Array.from({ length: BUYERS }, buy)])

    expect(acknowledged.filter((a) => a.at > back).length).toBeGreaterThan(0)
    expect(acknowledged.length).toBeGreaterThan(20)
    const wrong = await settled(shop, acknowledged)
    expect({ wrong, outcomes: Object.fromEntries(outcomes) }).toMatchObject({ wrong: [] })
  }, 240_000)
})

/** Audits until everything that was under way has ended; answers what is still wrong then. */
async function settled(shop: WholeShop, acknowledged: { orderId: string; status: number }[]): Promise<[number, string[]][]> {
  const deadline = Date.now() + 100_000
  for (;;) {
    const wrong = violationsOf(await audit({ ...shop.databases(), settledSeconds: 0, acknowledged }))
    if (wrong.length === 0 || Date.now() > deadline) return wrong
    await sleep(2_000)
  }
}
