import { drainingMailbox, type DrainingMailbox } from '../../mixins/actor/draining-mailbox.ts'
import { Batcher } from '../../mixins/batch/batcher.ts'
import { replay, sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { serviceDatabase, type WithDatabase } from '../../mixins/postgres/service-database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import { service, workerAction, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'
import { availabilityOf, inventoryActions } from './inventory.contract.ts'
import type { DeskAnswers, DeskMessage } from './inventory.ts'
import { InventoryStore, type DeskReply, type DeskRequest } from './inventory.store.ts'

type InventoryWorker = ServiceThis<
  WithDatabase & {
    store: InventoryStore
    mailbox: DrainingMailbox<DeskRequest, DeskReply>
    turns: Batcher<readonly DeskRequest[], (DeskReply | Error)[]>
    reads: Batcher<string, { onHand: number; reserved: number }>
  }
>

type MessageOf<K extends DeskMessage['kind']> = Extract<DeskMessage, { kind: K }>

/** Puts a message into the desk's mailbox and waits for the commit of the turn that took it. */
async function ask<K extends DeskMessage['kind']>(worker: InventoryWorker, ctx: Ctx, message: MessageOf<K>): Promise<DeskAnswers[K]> {
  const operation = message.kind === 'set' ? ctx.meta.operation : undefined
  const reply = await worker.mailbox.send(ctx, message.warehouseId, { message, operation })
  return 'repeat' in reply ? replay<DeskAnswers[K]>(ctx, operation!, reply.repeat) : (reply.answer as DeskAnswers[K])
}

const full = (): Error => problem('overloaded', 'Too many requests wait for the stock: try again.', { retryAfter: 1 })

/** Warehouses whose turns share a transaction at most. */
const DESKS_TOGETHER = 64

/** Turns of several desks in one transaction: no two are of one warehouse, since a desk has one turn at a time. */
async function runTogether(store: InventoryStore, turns: readonly (readonly DeskRequest[])[]): Promise<(DeskReply | Error)[][]> {
  const replies = await store.run(turns.flat())
  return turns.map((turn) => replies.splice(0, turn.length))
}

/** Requests of one warehouse come to one thread, whose desk takes all that wait in one turn. */
const actor = { type: 'stock-desk', key: 'warehouseId' } as const

/**
 * Stock: what each warehouse has, what is promised to orders, and a ledger of every movement. It keeps: reserved ≤ on hand, whoever
 * writes; an order's lines in a warehouse are reserved all or none; a reservation ends once, by release or take; a reserve that
 * comes after its release is refused; the ledger adds up to the rows. Shoppers are told when availability crosses a border.
 */
export default service({
  name: 'inventory.worker',
  mixins: [
    drainingMailbox<DeskRequest, DeskReply, InventoryWorker>({
      type: 'stock-desk',
      maxWaiting: 5_000,
      run(_warehouseId, requests) {
        return this.turns.add(requests)
      }
    }),
    periodic<InventoryWorker>('stock sweep', 600_000, async function () {
      await sweepIdempotency(this.db)
      return (await this.store.sweepTombstones()) > 0
    }),
    serviceDatabase('inventory')
  ],

  actions: {
    reserve: workerAction(inventoryActions['inventory.worker.reserve'], {
      actor,
      retrySafe: true,
      handler(this: InventoryWorker, ctx) {
        return ask(this, ctx, { kind: 'reserve', ...ctx.params })
      }
    }),

    release: workerAction(inventoryActions['inventory.worker.release'], {
      actor,
      retrySafe: true,
      handler(this: InventoryWorker, ctx) {
        return ask(this, ctx, { kind: 'release', ...ctx.params })
      }
    }),

    take: workerAction(inventoryActions['inventory.worker.take'], {
      actor,
      retrySafe: true,
      handler(this: InventoryWorker, ctx) {
        return ask(this, ctx, { kind: 'take', ...ctx.params })
      }
    }),

    restock: workerAction(inventoryActions['inventory.worker.restock'], {
      actor,
      retrySafe: true,
      handler(this: InventoryWorker, ctx) {
        return ask(this, ctx, { kind: 'restock', ...ctx.params })
      }
    }),

    set: workerAction(inventoryActions['inventory.worker.set'], {
      actor,
      handler(this: InventoryWorker, ctx) {
        const { onHand, delta } = ctx.params
        if ((onHand === undefined) === (delta === undefined)) throw invalidField('onHand', 'oneOf', 'give either onHand or delta')
        return ask(this, ctx, { kind: 'set', ...ctx.params, operationId: ctx.meta.operation?.id ?? newId() })
      }
    }),

    stock: workerAction(inventoryActions['inventory.worker.stock'], {
      retrySafe: true,
      async handler(this: InventoryWorker, ctx) {
        const rows = await Promise.all(ctx.params.offerIds.map((offerId) => this.reads.add(offerId)))
        const items = ctx.params.offerIds.map((offerId, i) => {
          const { onHand, reserved } = rows[i]!
          const available = onHand - reserved
          return { offerId, onHand, reserved, available, availability: availabilityOf(available) }
        })
        return { items }
      }
    }),

    import: workerAction(inventoryActions['inventory.worker.import'], {
      retrySafe: true,
      timeout: 60_000,
      async handler(this: InventoryWorker, ctx) {
        return { added: await this.store.import(ctx.params.rows, ctx.params.announced) }
      }
    })
  },

  created(this: InventoryWorker) {
    this.store = new InventoryStore(this.db)
    this.turns = new Batcher((turns) => runTogether(this.store, turns), { max: DESKS_TOGETHER, inFlight: 2 })
    this.reads = new Batcher(
      async (offerIds) => {
        const rows = await this.store.stockOf([...new Set(offerIds)])
        return offerIds.map((offerId) => rows.get(offerId) ?? { onHand: 0, reserved: 0 })
      },
      { max: 500, inFlight: 2, maxWaiting: 20_000, full }
    )
  }
})
