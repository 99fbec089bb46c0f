import { connect } from 'node:net'
import type { Kafka, KafkaConfig } from 'kafkajs'
import { kafkaClient } from '../../mixins/events/kafka-client.ts'
import { KafkaLog } from '../../mixins/events/kafka-log.ts'
import { FaultProxy } from './fault-proxy.ts'

const brokers = (process.env['SOUK_TEST_KAFKA_BROKERS'] ?? '').split(',').filter(Boolean)

/** Why tests of Kafka are skipped; null when they are not. */
export const kafkaIsMissing: string | null = brokers.length > 0 ? null : 'set SOUK_TEST_KAFKA_BROKERS=host:port to run the tests of Kafka'

/** The brokers themselves, for a test that looks behind the log. */
export const testKafka = (): Kafka => kafkaClient(brokers)

/** A proxy in front of the first broker. */
export function kafkaProxy(): Promise<FaultProxy> {
  const [host = '', port = ''] = brokers[0]!.split(':')
  return FaultProxy.before(host, Number(port))
}

/** A log as another node would open it; through the proxy, whatever address the brokers give themselves. */
export function openKafkaLog(proxy?: FaultProxy): KafkaLog {
  const times = { sessionMs: 6_000, heartbeatMs: 200, waitMs: 100 }
  if (!proxy) return new KafkaLog(kafkaClient(brokers), times)
  const through: Partial<KafkaConfig> = { requestTimeout: 1_500, socketFactory: ({ onConnect }) => connect({ host: proxy.host, port: proxy.port }, onConnect) }
  return new KafkaLog(kafkaClient(brokers, through), { ...times, patienceMs: 3_000 })
}
