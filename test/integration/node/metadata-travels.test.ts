import { expect, test } from '@jest/globals'
import { ServiceBroker } from 'moleculer'
import { list, moneyRule, object, oneOf } from '../../../mixins/primitives/schema.ts'
import { publicAction, service } from '../../../mixins/runtime/service.ts'
import { brokerOptions } from '../../../moleculer.config.ts'

test('what an action declares reaches other nodes whole, parts that several schemas share included', async () => {
  const kind = oneOf(['new', 'used'])
  const priced = object({ price: moneyRule, before: moneyRule, kind })
  const contract = { params: { kind, items: list(priced) }, returns: object({ first: priced, second: priced }) }
  const options = { rest: 'POST /things', auth: 'anyone', summary: 'Things', problems: ['conflict'] } as const
  const broker = new ServiceBroker(brokerOptions({ nodeID: 'teller', logger: false }))
  broker.createService(service({ name: 'thing', actions: { one: publicAction(contract, options, () => null as never), two: publicAction(contract, options, () => null as never) } }))
  await broker.start()
  const { services } = broker.registry.getLocalNodeInfo(true) as unknown as { services: { name: string; actions: Record<string, { params: unknown; public: unknown }> }[] }
  const told = services.find(({ name }) => name === 'thing')!
  await broker.stop()
  for (const action of Object.values(told.actions)) {
    expect(action.public).toEqual(JSON.parse(JSON.stringify({ ...options, returns: contract.returns })))
    expect(action.params).toMatchObject({ $$strict: true, kind: { type: 'enum', values: ['new', 'used'] }, items: { items: { props: { price: { props: { currency: { type: 'string' } } }, before: { props: { currency: { type: 'string' } } } } } } })
  }
})
