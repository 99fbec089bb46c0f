import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { call } from '../../mixins/runtime/calls.ts'
import { startShop, type Shop } from '../support/shop.ts'
import { until } from '../support/until.ts'

describe('a parcel\'s journey', () => {
  let shop: Shop

  beforeAll(async () => {
    process.env['SOUK_DEMO_CARRIER_S'] = '0'
    shop = await startShop(['logistics.worker', 'carrier', 'relay.worker'])
  })
  afterAll(async () => {
    delete process.env['SOUK_DEMO_CARRIER_S']
    await shop.stop()
  })

  test('goes from the order to the door through the outbox, the log, and the carrier', async () => {
    const orders = Array.from({ length: 10 }, () => randomUUID())
    const address = { name: 'Ada', line1: '1 Pike St', city: 'Seattle', region: 'WA', postalCode: '98101', country: 'US' }
    for (const orderId of orders) {
      await call(shop.broker, 'logistics.worker.ship', { orderId, buyerId: 'b', address, subOrders: [{ id: `${orderId}.0`, sellerId: 's', handlingDays: 1, lines: [{ offerId: 'o', quantity: 1 }] }] })
    }
    const parcels = async () => (await call(shop.broker, 'logistics.worker.shipmentsOf', { orderIds: orders })).items.map((i) => i.shipment)
    await until('all are at the door', async () => (await parcels()).every((p) => p.status === 'delivered' && p.events.length === 5))
    expect((await parcels()).map((p) => p.events.map((e) => e.status))).toEqual(orders.map(() => ['created', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered']))
  })
})
