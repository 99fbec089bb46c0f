// Every environment variable the house reads, in one table: the README's configuration table and `npm start -- --help` are made from it.

interface Setting<T> {
  parse: (text: string) => T
  default: T
  doc: string
}

const text = (fallback: string, doc: string): Setting<string> => ({ parse: (t) => t, default: fallback, doc })
const url = (doc: string): Setting<string | null> => ({ parse: (t) => t, default: null, doc })
const urls = (doc: string): Setting<readonly string[]> => ({ parse: (t) => t.split(',').map((u) => u.trim()).filter(Boolean), default: [], doc })
const whole = (fallback: number, doc: string): Setting<number> => ({
  parse: (t) => {
    const n = Number(t)
    if (!Number.isInteger(n) || n < 0) throw new Error(`wants a whole number, not "${t}"`)
    return n
  },
  default: fallback,
  doc
})
const flag = (doc: string): Setting<boolean> => ({ parse: (t) => t === '1' || t === 'true', default: false, doc })

/** Name → how it is read, its default and what it does. */
export const SETTINGS = {
  SOUK_PROFILE: text('all', 'node profile: which services run on which threads'),
  SOUK_THREADS: whole(0, 'threads of each kind that people wait for (web, commerce); as many as the profile says unless set'),
  SOUK_SITE: text('local', 'the site this node belongs to; actors live in their home site'),
  SOUK_NODE: text('', 'name of this node, different for each of those that are joined; made from profile, host and data directory unless set'),
  SOUK_HOST: text('127.0.0.1', 'address the gateway listens on'),
  SOUK_PORT: whole(3000, 'port of the gateway'),
  SOUK_OPS_HOST: text('127.0.0.1', 'address the operations server listens on'),
  SOUK_OPS_PORT: whole(3900, 'port of the operations server: /metrics, /healthz, /readyz; never public'),
  SOUK_DATA_DIR: text('.souk', 'where the embedded engines keep their data'),
  SOUK_OBJECTS_DIR: text('', 'where pictures and documents lie, a volume that joined nodes share; in the data directory unless set'),
  SOUK_PRODUCTS: whole(1_000, 'size of the demo catalogue made at the first start'),
  SOUK_LOG_LEVEL: text('warn', 'trace, debug, info, warn or error'),
  SOUK_DEMO: { parse: (t: string) => t !== '0' && t !== 'false', default: true, doc: 'demo accounts, catalogue, payment provider and carrier; 0 in production' },
  SOUK_DEMO_CARRIER_S: whole(30, 'seconds before the demo carrier picks a parcel up'),
  SOUK_LIMIT_AUTH_PER_MINUTE: whole(600, 'registrations and logins a minute from one address'),
  SOUK_LIMIT_REQUESTS_PER_MINUTE: whole(0, 'requests a minute from one address; 0 is no limit, loopback is never limited by it'),
  SOUK_LIMIT_SECRETS_PER_15_MINUTES: whole(20, 'wrong passwords or codes for one account in 15 minutes'),
  SOUK_JWT_KEY: url('Ed25519 private key (PKCS 8, PEM) that signs tokens; several: the first signs, all verify; made in the data directory unless set'),
  SOUK_WEBHOOK_SECRET: url('secret shared with the payment provider; made in the data directory unless set'),
  SOUK_PROVIDER_URL: url('payment provider; the demo provider of this node unless set'),
  SOUK_CORS_ORIGINS: urls('origins that browsers may call the API from, comma-separated'),
  SOUK_TRUSTED_PROXIES: whole(0, 'reverse proxies in front: how many X-Forwarded-For hops to believe'),
  SOUK_TEST_DOORS: flag('opens the doors that fault tests use (block a thread); never in production'),
  DATABASE_URL: url('PostgreSQL; embedded unless set'),
  ORDERS_DATABASE_URLS: urls('PostgreSQL databases that orders are sharded over, comma-separated; two embedded ones unless set'),
  NATS_URL: url('NATS, to join other nodes: nats://user:password@host:4222, several comma-separated; message ports between the threads of this node unless set'),
  NATS_CREDS: text('', 'file with the credentials of a NATS user, instead of user and password'),
  NATS_TLS_CA: text('', 'file with the certificates that NATS servers are known by; turns TLS on'),
  NATS_TLS_CERT: text('', 'file with this node\'s certificate for NATS'),
  NATS_TLS_KEY: text('', 'file with the key of that certificate'),
  REDIS_URL: url('Redis for sessions, caches, limits and carts (a cluster: several, comma-separated); PostgreSQL unless set'),
  MONGODB_URL: url('MongoDB for payments and reviews; PostgreSQL unless set'),
  ELASTICSEARCH_URL: url('Elasticsearch; PostgreSQL full text unless set'),
  KAFKA_BROKERS: urls('Kafka: host:port, several comma-separated; a log in PostgreSQL unless set'),
  KAFKA_USERNAME: text('', 'user at Kafka'),
  KAFKA_PASSWORD: text('', 'password of that user'),
  KAFKA_MECHANISM: text('scram-sha-512', 'how the user logs in: plain, scram-sha-256 or scram-sha-512'),
  KAFKA_TLS: flag('TLS to Kafka, whose certificates a public authority has signed'),
  KAFKA_TLS_CA: text('', 'file with the certificates that Kafka brokers are known by; turns TLS on'),
  CLICKHOUSE_URL: url('ClickHouse over HTTP: http://user:password@host:8123; the engine in the process unless set'),
  S3_ENDPOINT: url('S3, as this node reaches it; the data directory unless set'),
  S3_PUBLIC_ENDPOINT: url('S3, as browsers reach it, where that differs'),
  S3_REGION: text('us-east-1', 'region of the bucket'),
  S3_BUCKET: text('souk', 'bucket of pictures and documents; made unless it is there'),
  S3_ACCESS_KEY_ID: text('', 'access key of S3; what the AWS environment offers unless set'),
  S3_SECRET_ACCESS_KEY: text('', 'secret key of S3')
} as const satisfies Record<string, Setting<unknown>>

type SettingName = keyof typeof SETTINGS
type SettingValue<N extends SettingName> = ReturnType<(typeof SETTINGS)[N]['parse']> | (typeof SETTINGS)[N]['default']

/** The value of a setting, from the environment or its default. Throws one clear line naming the variable when it cannot be read. */
export function setting<N extends SettingName>(name: N): SettingValue<N> {
  const raw = process.env[name]
  if (raw === undefined || raw === '') return SETTINGS[name].default
  try {
    return SETTINGS[name].parse(raw) as SettingValue<N>
  } catch (error) {
    throw new Error(`${name} ${(error as Error).message}`, { cause: error })
  }
}
