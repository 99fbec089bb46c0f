import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog } from '../../mixins/events/port.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { startShop, type Shop } from '../support/shop.ts'
import { until } from '../support/until.ts'

interface Report {
  shipmentId: string
  status: string
  at: string
}

/** Stands in for the marketplace's door: notes what is reported, and answers as told. */
const told: Report[] = []
let answer: (report: Report) => unknown
const logistics = {
  name: 'logistics.worker',
  actions: {
    event(ctx: { params: Report }) {
      told.push(ctx.params)
      return answer(ctx.params)
    }
  }
}

describe('the demo carrier', () => {
  let shop: Shop
  let log: EventLog

  beforeAll(async () => {
    process.env['SOUK_DEMO_CARRIER_S'] = '1'
    shop = await startShop(['carrier'], [logistics])
    log = openEventLog()
  })
  afterAll(async () => {
    delete process.env['SOUK_DEMO_CARRIER_S']
    await log.close()
    await shop.stop()
  })
  beforeEach(() => {
    answer = () => null
  })

  const publish = async (shipmentId: string, at: string, number = 1, status = 'created'): Promise<void> => {
    const body = { shipmentId, orderId: 'o', subOrderId: 's', buyerId: 'b', sellerId: 'x', trackingNumber: 'SK', carrier: 'Souk Parcel', status, at }
    await log.publish([{ id: randomUUID(), topic: 'shipment_updated', aggregate: `shipment/${shipmentId}`, number, at, body }])
  }
  const statusesOf = (shipmentId: string): Set<string> => new Set(told.filter((r) => r.shipmentId === shipmentId).map((r) => r.status))
  const planned = (shipmentId: string) => shop.databases.query<{ n: number }>('SELECT n FROM carrier.report WHERE shipment_id = $1', [shipmentId])

  test('takes every parcel to the door, and picks it up no earlier than it may', async () => {
    const ids = Array.from({ length: 20 }, () => randomUUID())
    const created = new Date()
    await Promise.all(ids.map((id) => publish(id, created.toISOString())))
    await until('all are delivered', () => ids.every((id) => statusesOf(id).size === 4))
    await until('nothing is left to report', async () => (await Promise.all(ids.map(planned))).flat().length === 0)
    for (const report of told) expect(Date.parse(report.at)).toBeGreaterThanOrEqual(created.getTime() + 1_000)
  })

  test('an event that comes again begins nothing anew', async () => {
    const id = randomUUID()
    const long = new Date(Date.now() - 60_000).toISOString()
    await publish(id, long)
    await until('it is delivered', async () => statusesOf(id).has('delivered') && (await planned(id)).length === 0)
    const count = told.filter((r) => r.shipmentId === id).length
    await publish(id, long)
    await publish(id, new Date().toISOString(), 2, 'picked_up')
    const other = randomUUID()
    await publish(other, long)
    await until('a later parcel is delivered', () => statusesOf(other).has('delivered'))
    expect(told.filter((r) => r.shipmentId === id)).toHaveLength(count)
  })

  test('a report that fails is made again, one that is refused is not', async () => {
    const [flaky, held] = [randomUUID(), randomUUID()]
    let failures = 3
    answer = ({ shipmentId }) => {
      if (shipmentId === held) throw problem('invalid-transition', 'The order was cancelled.')
      if (shipmentId === flaky && failures-- > 0) throw new Error('down')
      return null
    }
    const long = new Date(Date.now() - 60_000).toISOString()
    await publish(flaky, long)
    await publish(held, long)
    await until('the refused parcel is left alone', async () => statusesOf(held).size === 4 && (await planned(held)).length === 0)
    await until('the failures were met', () => failures <= 0)
    await until('the failed reports have been made again', async () => {
      await shop.databases.query('UPDATE carrier.report SET due = now() WHERE shipment_id = $1', [flaky]) // in place of half a minute's wait
      return (await planned(flaky)).length === 0
    })
    expect(statusesOf(flaky).size).toBe(4)
  })
})
