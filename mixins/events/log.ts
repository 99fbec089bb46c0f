import { Database, databaseUrl } from '../postgres/database.ts'
import { Leases } from '../primitives/lease.ts'
import { setting } from '../settings/settings.ts'
import type { EventLog } from './port.ts'
import { PostgresLog } from './postgres-log.ts'

const logs = new Leases(
  (url) => new PostgresLog(new Database(url, 'log')),
  (log) => log.close()
)

/**
 * The event log that the configuration names: PostgreSQL. All users in a thread share one, and so its one connection that holds
 * locks. Throws when KAFKA_BROKERS is set: there is no Kafka adapter yet.
 */
export function openEventLog(): EventLog {
  if (setting('KAFKA_BROKERS').length > 0) throw new Error('KAFKA_BROKERS is set, but events do not yet go through Kafka: unset it to keep them in PostgreSQL')
  const { value: log, release } = logs.take(databaseUrl('log'))
  return {
    publish: (events) => log.publish(events),
    consume: (topics, group, handle, options) => log.consume(topics, group, handle, options),
    lag: (group) => log.lag(group),
    close: release
  }
}
