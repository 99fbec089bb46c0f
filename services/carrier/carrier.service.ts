import { consumer } from '../../mixins/events/consumer.ts'
import { takeFresh } from '../../mixins/inbox/inbox.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { problemType } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { service, type ServiceThis } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import { planReports } from './carrier.ts'
import { claimDue, deleteReports, insertReports, type DueReport } from './carrier.store.ts'

type Carrier = ServiceThis<WithDatabase>

const ROUND_MS = 500
const ROUND_MAX = 200

/** Tells the marketplace; false when that must be tried again. A final refusal (the parcel was held back) needs no second try. */
async function tell(carrier: Carrier, { shipmentId, status, at, place }: DueReport): Promise<boolean> {
  try {
    await call(carrier.broker, 'logistics.worker.event', { shipmentId, status, at, place })
    return true
  } catch (error) {
    return ['not-found', 'invalid-transition', 'validation-failed'].includes(problemType(error) ?? '')
  }
}

/**
 * The demo carrier, an outside party: it learns of parcels from the event log, keeps its schedule in a table of its own, and reports
 * by the same action as any carrier, at least once. Its parcels are picked up no earlier than SOUK_DEMO_CARRIER_S after they were
 * created and then go their way to the door.
 */
export default service({
  name: 'carrier',
  mixins: [
    periodic<Carrier>('carrier rounds', ROUND_MS, async function () {
      const due = await claimDue(this.db, ROUND_MAX)
      const told = await Promise.all(due.map((report) => tell(this, report)))
      const done = due.filter((_, i) => told[i])
      if (done.length > 0) await deleteReports(this.db, done)
      return due.length === ROUND_MAX
    }),
    consumer<Carrier>({
      group: 'carrier',
      topics: {
        async shipment_updated(batch) {
          await this.db.tx(async (tx) => {
            const fresh = await takeFresh(tx, 'carrier', 'carrier', batch)
            const created = fresh.filter((e) => e.body.status === 'created')
            const delayMs = setting('SOUK_DEMO_CARRIER_S') * 1_000
            if (created.length > 0) await insertReports(tx, created.flatMap((e) => planReports(e.body.shipmentId, Date.parse(e.body.at), delayMs)))
          })
        }
      }
    }),
    serviceDatabase('carrier')
  ],
  dependencies: ['logistics.worker']
})
