// The process that owns counters of the benchmark and is reached over NATS. argv: the name of its node.
import { ServiceBroker } from 'moleculer'
import { natsPlace, natsTransporter } from '../../mixins/transport/nats.ts'
import { brokerOptions } from '../../moleculer.config.ts'
import { counterService } from './counter-service.ts'

const nodeID = process.argv[2]!
const broker = new ServiceBroker(brokerOptions({ nodeID, transporter: natsTransporter(natsPlace()!, nodeID), logger: false }))
broker.createService(counterService('bench'))
await broker.start()
process.on('disconnect', () => void broker.stop().then(() => process.exit(0)))
process.send!('ready')
