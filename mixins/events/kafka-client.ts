import { readFileSync } from 'node:fs'
import { Kafka, logLevel, type KafkaConfig, type SASLOptions } from 'kafkajs'
import { setting } from '../settings/settings.ts'
import { socketsOfWholeAnswers } from './kafka-socket.ts'

/** A broker that hangs must not hold a caller for longer. */
const CONNECT_MS = 3_000
const REQUEST_MS = 10_000

function login(): SASLOptions | undefined {
  const [username, password] = [setting('KAFKA_USERNAME'), setting('KAFKA_PASSWORD')]
  if (!username) return undefined
  if (!password) throw new Error('KAFKA_USERNAME is set without KAFKA_PASSWORD')
  const mechanism = setting('KAFKA_MECHANISM')
  if (mechanism !== 'plain' && mechanism !== 'scram-sha-256' && mechanism !== 'scram-sha-512') throw new Error(`KAFKA_MECHANISM is plain, scram-sha-256 or scram-sha-512, not "${mechanism}"`)
  return { mechanism, username, password } as SASLOptions
}

function encryption(): KafkaConfig['ssl'] {
  const ca = setting('KAFKA_TLS_CA')
  return ca ? { ca: readFileSync(ca, 'utf8') } : setting('KAFKA_TLS')
}

/**
 * A client of the brokers, with the user and the TLS of the configuration. It says nothing itself: what fails reaches those who
 * asked. Retries are few and short, because everybody here has a retry of his own with a longer pause. Throws one clear line when
 * the configuration is not whole.
 */
export function kafkaClient(brokers: readonly string[], more: Partial<KafkaConfig> = {}): Kafka {
  const sasl = login()
  return new Kafka({
    clientId: 'souk',
    brokers: [...brokers],
    ssl: encryption() ?? false,
    ...(sasl ? { sasl } : {}),
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    retry: { initialRetryTime: 100, retries: 4, maxRetryTime: 1_000 },
    logLevel: logLevel.NOTHING,
    ...more,
    socketFactory: socketsOfWholeAnswers(more.socketFactory)
  })
}
