import { Database, databaseUrl } from '../postgres/database.ts'
import { Leases } from '../primitives/lease.ts'
import { setting } from '../settings/settings.ts'
import { kafkaClient } from './kafka-client.ts'
import { KafkaLog } from './kafka-log.ts'
import type { EventLog } from './port.ts'
import { PostgresLog } from './postgres-log.ts'

const inPostgres = new Leases<EventLog>(
  (url) => new PostgresLog(new Database(url, 'log')),
  (log) => log.close()
)
const inKafka = new Leases<EventLog>(
  (brokers) => new KafkaLog(kafkaClient(brokers.split(','))),
  (log) => log.close()
)

/**
 * The event log that the configuration names: Kafka where KAFKA_BROKERS is set, else PostgreSQL. All users in a thread share one,
 * and so its connections.
 */
export function openEventLog(): EventLog {
  const brokers = setting('KAFKA_BROKERS')
  const { value: log, release } = brokers.length > 0 ? inKafka.take(brokers.join(',')) : inPostgres.take(databaseUrl('log'))
  return {
    publish: (events) => log.publish(events),
    consume: (topics, group, handle, options) => log.consume(topics, group, handle, options),
    forward: (topics, group, open, options) => log.forward(topics, group, open, options),
    lag: (group) => log.lag(group),
    close: release
  }
}
