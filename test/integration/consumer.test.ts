import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ServiceBroker, type Service } from 'moleculer'
import { consumer } from '../../mixins/events/consumer.ts'
import { publishedHint } from '../../mixins/events/hint.ts'
import { openEventLog } from '../../mixins/events/log.ts'
import type { EventLog, EventRecord } from '../../mixins/events/port.ts'
import { Database, databaseUrl } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { money } from '../../mixins/primitives/money.ts'
import type { Events } from '../../mixins/runtime/calls.ts'
import { service } from '../../mixins/runtime/service.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import '../../services/order/order.contract.ts'
import { createDatabases, type TestDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

type Follower = Service & { db: Database; seen: string[]; ended: string[] }

const refund = (number: number): EventRecord => {
  const body: Events['order_refunded'] = { orderId: 'o1', buyerId: 'u1', refundId: `r${number}`, amount: money(100), reason: 'test' }
  return { id: newId(), topic: 'order_refunded', aggregate: 'order/o1', number, at: new Date().toISOString(), body }
}

/** A service that follows refunds; its handler uses the service's own database, which ends with the service. */
const follower = (name: string, handle: (this: Follower, amount: number) => Promise<void> = async () => {}) =>
  service({
    name,
    mixins: [
      consumer<Follower>({
        group: name,
        topics: {
          async order_refunded(batch) {
            for (const event of batch) {
              await handle.call(this, event.body.amount.amount)
              await this.db.query('SELECT 1')
              this.seen.push(event.body.refundId)
            }
          }
        }
      })
    ],
    created(this: Follower) {
      this.seen = []
      this.ended = []
    },
    async started(this: Follower) {
      this.db = new Database(databaseUrl('log'), 'log')
      this.ended.push(`starting with ${this.seen.length}`)
    },
    async stopped(this: Follower) {
      this.ended.push(`stopping with ${this.seen.length}`)
      await this.db.close()
    }
  })

describe('a service that consumes', () => {
  let databases: TestDatabases
  let log: EventLog
  beforeAll(async () => {
    databases = await createDatabases()
    log = openEventLog()
  })
  afterAll(async () => {
    await log.close()
    await databases.drop()
  })
  const broker = (): ServiceBroker => new ServiceBroker(brokerOptions({ nodeID: newId(), logger: false }))

  test('starts when the broker has started, and finishes its batch before its own stores end', async () => {
    await log.publish([refund(1), refund(2)])
    const node = broker()
    let inHand = false
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const instance = node.createService(follower('follower', async () => void ((inHand = true), await held))) as Follower
    await node.start()
    expect(instance.ended).toEqual(['starting with 0'])
    await until('a batch is in hand', () => inHand)
    const stopped = node.stop()
    await until('the broker is stopping', () => node.stopping)
    release()
    await stopped
    expect(instance.seen).toEqual(['r1', 'r2'])
    expect(instance.ended).toEqual(['starting with 0', 'stopping with 2'])
  })

  test('consumes also as a service that came after the start, and from a hint', async () => {
    const node = broker()
    await node.start()
    const instance = node.createService(follower('latecomer')) as Follower
    await until('what was there has come', () => instance.seen.length === 2)
    await log.publish([refund(3)])
    publishedHint(node, ['order_refunded'])
    await until('the new one has come', () => instance.seen.length === 3)
    await node.stop()
  })

  test('two members of one group in one thread do not share a partition', async () => {
    const [one, other] = [broker(), broker()]
    const instances = [one, other].map((node) => node.createService(follower('pair')) as Follower)
    await Promise.all([one.start(), other.start()])
    await until('all have come', () => instances.flatMap((i) => i.seen).length >= 3)
    expect(instances.flatMap((i) => i.seen).sort()).toEqual(['r1', 'r2', 'r3'])
    await Promise.all([one.stop(), other.stop()])
  })
})
