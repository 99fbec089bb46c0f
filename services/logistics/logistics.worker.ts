import { Batcher } from '../../mixins/batch/batcher.ts'
import { idempotently, sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { wroteOutbox } from '../../mixins/outbox/hint.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import type { Queryable } from '../../mixins/postgres/database.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import type { ResultOf } from '../../mixins/runtime/calls.ts'
import { service, workerAction, type ServiceThis } from '../../mixins/runtime/service.ts'
import { logisticsActions as contracts, type Shipment } from './logistics.contract.ts'
import { holdBack, shipmentById, shipmentByTracking, shipmentsOf, withHistories } from './logistics.store.ts'
import { takeReports, type Report } from './reports.ts'
import { shipAll, type ShipRequest } from './shipping.ts'
import { parseTrackingNumber } from './tracking.ts'

type LogisticsWorker = ServiceThis<WithDatabase & {
  ships: Batcher<ShipRequest, ResultOf<(typeof contracts)['logistics.worker.ship']>>
  reports: Batcher<Report, Shipment>
}>

const BATCH = { max: 64, inFlight: 2, maxWaiting: 4_000, full: () => problem('overloaded', 'Too many parcels are moving: try again shortly.', { retryAfter: 1 }) }

/** Runs a change that may write events, and wakes the relay after its commit. */
async function publishing<T>(worker: LogisticsWorker, change: (tx: Queryable) => Promise<T>): Promise<T> {
  const result = await worker.db.tx(change)
  wroteOutbox(worker.broker, 'logistics')
  return result
}

/** How far a carrier's clock may be ahead of ours. */
const CLOCK_SKEW_MS = 5 * 60_000

/**
 * Owns parcels: one per sub-order, each with the whole history that its carrier reported. A parcel stands where the furthest of its
 * reports puts it, in whatever order they arrive, and each move is an event in the same commit. Pick-up and holding back meet on
 * the parcel's row lock, so one of them is first; a CHECK keeps what was held back from ever leaving.
 */
export default service({
  name: 'logistics.worker',
  mixins: [
    periodic<LogisticsWorker>('logistics idempotency sweep', 3_600_000, async function () {
      await sweepIdempotency(this.db)
    }),
    serviceDatabase('logistics')
  ],

  created(this: LogisticsWorker) {
    this.ships = new Batcher((requests) => publishing(this, (tx) => shipAll(tx, requests)), BATCH)
    this.reports = new Batcher((reports) => publishing(this, (tx) => takeReports(tx, reports)), BATCH)
  },

  actions: {
    ship: workerAction(contracts['logistics.worker.ship'], {
      retrySafe: true,
      handler(this: LogisticsWorker, ctx) {
        return this.ships.add(ctx.params)
      }
    }),

    cancel: workerAction(contracts['logistics.worker.cancel'], {
      retrySafe: true,
      async handler(this: LogisticsWorker, ctx) {
        const held = await this.db.tx((tx) => holdBack(tx, ctx.params.orderId))
        return { outcome: held ? ('cancelled' as const) : ('too-late' as const) }
      }
    }),

    event: workerAction(contracts['logistics.worker.event'], {
      retrySafe: true,
      async handler(this: LogisticsWorker, ctx) {
        const { shipmentId, status, place = null, note = null } = ctx.params
        const at = Date.parse(ctx.params.at)
        if (Number.isNaN(at)) throw invalidField('at', 'date', 'there is no such day or hour')
        if (at > Date.now() + CLOCK_SKEW_MS) throw invalidField('at', 'future', 'this has not happened yet')
        const report: Report = { shipmentId, status, at: new Date(at).toISOString(), place, note }
        if (!ctx.meta.operation) return this.reports.add(report)
        return idempotently(ctx, this.db, 200, async (tx) => {
          const [answer] = await takeReports(tx, [report])
          if (answer instanceof Error) throw answer
          return answer!
        })
      }
    }),

    shipmentsOf: workerAction(contracts['logistics.worker.shipmentsOf'], {
      retrySafe: true,
      async handler(this: LogisticsWorker, ctx) {
        const rows = await shipmentsOf(this.db, ctx.params.orderIds)
        return { items: await withHistories(this.db, rows.filter((row) => !row.heldBack)) }
      }
    }),

    find: workerAction(contracts['logistics.worker.find'], {
      retrySafe: true,
      async handler(this: LogisticsWorker, ctx) {
        const { shipmentId, trackingNumber } = ctx.params
        const number = trackingNumber === undefined ? null : parseTrackingNumber(trackingNumber)
        const rows = shipmentId !== undefined ? await shipmentById(this.db, shipmentId) : number !== null ? await shipmentByTracking(this.db, number) : []
        const [found = null] = await withHistories(this.db, rows.filter((row) => !row.heldBack))
        return { found }
      }
    })
  }
})
