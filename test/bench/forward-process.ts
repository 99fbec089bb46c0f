// A process that forwards events from Kafka to ClickHouse, as a node's background thread does. argv: what, as JSON.
import { ServiceBroker, type Service } from 'moleculer'
import { forwardEvents, type ForwardsEvents } from '../../mixins/analytics/forward-events.ts'
import { service } from '../../mixins/runtime/service.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { rowsOf, schemaOf, type Forwarding } from './forwarded.ts'

const { group, topics, table } = JSON.parse(process.argv[2]!) as Forwarding
const broker = new ServiceBroker(brokerOptions({ nodeID: 'forwarder', logger: false }))
const forwarder = broker.createService(service({ name: 'forwarder', mixins: [forwardEvents({ schema: schemaOf(table), group, topics, rowsOf: rowsOf(table) })] })) as Service & ForwardsEvents
await broker.start()
await forwarder.feed.start()
process.on('disconnect', () => void broker.stop().then(() => process.exit(0)))
