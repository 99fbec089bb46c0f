import { Batcher } from '../../mixins/batch/batcher.ts'
import { replay, sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { Database, databaseUrl } from '../../mixins/postgres/database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { invalidField, problem } from '../../mixins/primitives/problem.ts'
import { service, workerAction, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'
import { inventoryActions } from './inventory.contract.ts'
import { availabilityOf, type DeskAnswers, type DeskMessage } from './inventory.ts'
import { InventoryStore, type DeskReply, type DeskRequest } from './inventory.store.ts'

const SWEEP_MS = 10 * 60_000

type InventoryWorker = ServiceThis<{
  db: Database
  store: InventoryStore
  desk: Batcher<DeskRequest, DeskReply>
  reads: Batcher<string, { onHand: number; reserved: number }>
  sweeper: NodeJS.Timeout
}>

type MessageOf<K extends DeskMessage['kind']> = Extract<DeskMessage, { kind: K }>

/** Puts a message into the desk's mailbox and waits for the commit of the turn that took it. */
async function ask<K extends DeskMessage['kind']>(worker: InventoryWorker, ctx: Ctx, message: MessageOf<K>): Promise<DeskAnswers[K]> {
  const operation = message.kind === 'set' ? ctx.meta.operation : undefined
  const reply = await worker.desk.add({ message, operation })
  return 'repeat' in reply ? replay<DeskAnswers[K]>(ctx, operation!, reply.repeat) : (reply.answer as DeskAnswers[K])
}

const full = (): Error => problem('overloaded', 'The stock desk has more work than it can take: try again.', { retryAfter: 1 })

/** Requests of one warehouse come to one thread, which takes all that wait into one transaction. */
const actor = { type: 'stock-desk', key: 'warehouseId' } as const

/**
 * Stock: what each warehouse has, what is promised to orders, and a ledger of every movement. It keeps: reserved ≤ on hand, whoever
 * writes; an order's lines in a warehouse are reserved all or none; a reservation ends once, by release or take; a reserve that
 * comes after its release is refused; the ledger adds up to the rows. Shoppers are told when availability crosses a border.
 */
export default service({
  name: 'inventory.worker',

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
    this.db = new Database(databaseUrl('inventory'), 'inventory')
    this.store = new InventoryStore(this.db)
    this.desk = new Batcher((requests) => this.store.run(requests), { max: 256, inFlight: 2, maxWaiting: 5_000, full })
    this.reads = new Batcher(
      async (offerIds) => {
        const rows = await this.store.stockOf([...new Set(offerIds)])
        return offerIds.map((offerId) => rows.get(offerId) ?? { onHand: 0, reserved: 0 })
      },
      { max: 500, inFlight: 2, maxWaiting: 20_000, full }
    )
  },

  started(this: InventoryWorker) {
    const sweep = async (): Promise<void> => {
      await sweepIdempotency(this.db)
      while ((await this.store.sweepTombstones()) > 0);
    }
    this.sweeper = setInterval(() => void sweep().catch((error: unknown) => this.logger.warn('sweep of the stock store failed', error)), SWEEP_MS).unref()
  },

  async stopped(this: InventoryWorker) {
    clearInterval(this.sweeper)
    await this.db.close()
  }
})
