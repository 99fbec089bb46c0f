import { createServer, type Server } from 'node:http'
import { generateKeyPairSync } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { ServiceBroker } from 'moleculer'
import { signGrant } from '../../mixins/access/grants.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { money, type Money } from '../../mixins/primitives/money.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call, type ResultOf } from '../../mixins/runtime/calls.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { loadServices } from '../../nodes/load.ts'
import type { paymentActions } from '../../services/payment/payment.contract.ts'
import type { Payment } from '../../services/payment/payment.ts'
import demoProvider from '../../services/provider/provider.service.ts'
import { startShop, type Shop } from './shop.ts'

type Profile = { plan: string; status: string; renewsAt: string } | null
type Handler = (ctx: { params: { confirmation: string; userId: string; holder: string; orderId: string; amount: Money; subscription: Profile; version: number } }) => unknown
type Schema = Parameters<ServiceBroker['createService']>[0]

/** The domains around payment, as tiny services that remember what they were told. */
export interface Neighbours {
  /** Orders told to go on. */
  resumed: string[]
  /** Profiles as Auth has them, newest version only, and every call that was made. */
  profiles: Map<string, { subscription: Profile; version: number }>
  proofs: Map<string, 'held' | 'spent' | 'freed'>
  /** While true, nobody answers in Auth's place. */
  authIsDown: boolean
}

/** The demo provider in more of a hurry than the real one, so that a lost answer costs a test little. */
export const quickProvider = (settings: Record<string, unknown> = {}): Schema => ({ ...demoProvider, settings: { slowMs: 1_800, lostMs: 1_500, webhookMs: [], ...settings } }) as unknown as Schema

/** The demo provider whose answers to some actions are lost after the work is done, the first `times` times. */
export function forgetfulProvider(actions: readonly string[], times = 1): Schema {
  const left = new Map(actions.map((name) => [name, times]))
  const schema = quickProvider()
  const lost = (name: string) => ({
    ...(schema.actions![name] as object),
    async handler(this: unknown, ctx: unknown) {
      const answer = await (demoProvider.actions![name] as { handler: (this: unknown, ctx: unknown) => unknown }).handler.call(this, ctx)
      if ((left.get(name) ?? 0) <= 0) return answer
      left.set(name, left.get(name)! - 1)
      throw new Error('the connection broke')
    }
  })
  return { ...schema, actions: { ...schema.actions, ...Object.fromEntries(actions.map((name) => [name, lost(name)])) } } as Schema
}

function neighbourServices(seen: Neighbours): Schema[] {
  const auth: Record<string, Handler> = {
    async holdProof({ params: { confirmation, userId, holder, amount } }) {
      if (seen.authIsDown) throw new Error('auth is down')
      if (confirmation !== 'confirmed') throw problem('identity-confirmation-required', 'Confirm again.')
      seen.proofs.set(holder, 'held')
      return { grant: signGrant({ userId, holder, amount }) }
    },
    spendProof: ({ params: { holder } }) => void seen.proofs.set(holder, 'spent'),
    freeProof: ({ params: { holder } }) => void (seen.proofs.get(holder) === 'held' && seen.proofs.set(holder, 'freed')),
    setSubscription({ params: { userId, subscription, version } }) {
      if (seen.authIsDown) throw new Error('auth is down')
      if (version > (seen.profiles.get(userId)?.version ?? 0)) seen.profiles.set(userId, { subscription, version })
      return null
    }
  }
  return [
    { name: 'order.worker', actions: { resume: ({ params: { orderId } }: Parameters<Handler>[0]) => void seen.resumed.push(orderId) } },
    { name: 'auth.worker', actions: auth }
  ] as unknown as Schema[]
}

/** The gateway's part for webhooks: passes signed bodies to the face. */
async function startGateway(broker: ServiceBroker): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const signed = { body, signature: String(request.headers['souk-signature'] ?? '') }
      broker.call('payment.webhook', JSON.parse(body) as object, { meta: { signed } }).then(
        () => response.writeHead(200).end('{}'),
        (error: { code?: number }) => response.writeHead(error.code ?? 500).end('{}')
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.env['SOUK_PORT'] = String((server.address() as AddressInfo).port)
  return server
}

export interface PaymentShop extends Shop {
  seen: Neighbours
  /** The payment's document as it lies in the store. */
  payment: (id: string) => Promise<Payment>
  /** Makes whatever the sweepers owe due now. */
  hurry: () => Promise<void>
  /** A payment method of `userId`. */
  method: (userId: string, token?: string) => Promise<string>
  /** An intent of an order that is new; answers the payment's id. */
  intent: (options?: { token?: string; amount?: number; buyerId?: string; splits?: SplitAmounts[] }) => Promise<{ paymentId: string; orderId: string; buyerId: string; amount: Money }>
  /** Asks for the money to be held, with the grant that it takes. */
  authorize: (paymentId: string) => Promise<ResultOf<(typeof paymentActions)['payment.worker.authorize']>>
  /** Another worker on the same databases, as after a crash. */
  restart: (services: readonly string[]) => Promise<ServiceBroker>
}

export interface SplitAmounts {
  sellerId: string
  subtotal: number
  tax?: number
}

export const splitOf = ({ sellerId, subtotal, tax = 0 }: SplitAmounts) => ({ sellerId, subtotal: money(subtotal), discount: money(0), shipping: money(0), tax: money(tax), total: money(subtotal + tax) })

/** Payment and a provider on fresh databases, with tiny services for the domains around them. */
export async function startPayments(provider: Schema = quickProvider()): Promise<PaymentShop> {
  process.env['SOUK_JWT_KEY'] ||= generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  process.env['SOUK_WEBHOOK_SECRET'] = 'a secret of the tests'
  const seen: Neighbours = { resumed: [], profiles: new Map(), proofs: new Map(), authIsDown: false }
  const shop = await startShop(['payment.worker', 'payment'], [...neighbourServices(seen), provider])
  const gateway = await startGateway(shop.broker)
  const brokers: ServiceBroker[] = []
  const { query } = shop.databases
  const self: PaymentShop = {
    ...shop,
    seen,
    async payment(id) {
      const [row] = await query<{ doc: Payment }>('SELECT doc FROM payment.payment WHERE id = $1', [id])
      return row!.doc
    },
    async hurry() {
      for (const table of ['payment', 'subscriber']) await query(`UPDATE payment.${table} SET doc = doc || '{"due": "2020-01-01T00:00:00.000Z"}' WHERE doc ? 'due'`)
    },
    async method(userId, token = 'tok_demo_ok') {
      return (await call(shop.broker, 'payment.worker.addMethod', { userId, token, label: 'card' })).id
    },
    async intent({ token, amount = 1_000, buyerId = newId(), splits = [{ sellerId: 'seller-a', subtotal: amount }] } = {}) {
      const orderId = newId()
      const paymentId = `${orderId}.1`
      const paymentMethodId = await self.method(buyerId, token)
      await call(shop.broker, 'payment.worker.intent', { paymentId, orderId, buyerId, amount: money(amount), paymentMethodId, splits: splits.map(splitOf) })
      return { paymentId, orderId, buyerId, amount: money(amount) }
    },
    async authorize(paymentId) {
      const { buyerId, amount } = await self.payment(paymentId)
      return call(shop.broker, 'payment.worker.authorize', { paymentId, grant: signGrant({ userId: buyerId, holder: paymentId, amount: money(amount) }) })
    },
    async restart(services) {
      const broker = new ServiceBroker(brokerOptions({ nodeID: `again-${newId()}`, logger: false }))
      await loadServices(broker, services)
      for (const schema of [...neighbourServices(seen), provider]) broker.createService(schema)
      await broker.start()
      brokers.push(broker)
      return broker
    },
    async stop() {
      gateway.close()
      for (const broker of brokers) await broker.stop()
      await shop.stop()
    }
  }
  return self
}
