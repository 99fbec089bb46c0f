import { ServiceBroker, type BrokerOptions, type ServiceSchema } from 'moleculer'
import { brokerOptions } from '../../moleculer.config.ts'
import { loadServices } from '../../nodes/load.ts'
import { createDatabases, type TestDatabases } from './databases.ts'

/** A broker with some of the house's services on fresh databases. */
export interface Shop {
  broker: ServiceBroker
  databases: TestDatabases
  stop: () => Promise<void>
}

/**
 * Starts the named services in this process. Outside parties are replaced by a tiny service in `extra`, never by patched internals;
 * `change` makes another broker of the usual one.
 */
export async function startShop(services: readonly string[], extra: readonly object[] = [], change: (usual: BrokerOptions) => BrokerOptions = (usual) => usual): Promise<Shop> {
  const databases = await createDatabases()
  const broker = new ServiceBroker(change(brokerOptions({ nodeID: `test-${process.pid}-${Math.random().toString(36).slice(2)}`, logger: process.env['SOUK_TEST_LOG'] ? undefined : false })))
  await loadServices(broker, services)
  for (const schema of extra) broker.createService(schema as ServiceSchema)
  await broker.start()
  return {
    broker,
    databases,
    async stop() {
      await broker.stop()
      await databases.drop()
    }
  }
}
