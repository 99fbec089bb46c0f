import type { Engine } from './engine.ts'
import { clickhouse } from './engines/clickhouse.ts'
import { elasticsearch } from './engines/elasticsearch.ts'
import { kafka } from './engines/kafka.ts'
import { mongo } from './engines/mongo.ts'
import { nats } from './engines/nats.ts'
import { nginx } from './engines/nginx.ts'
import { postgres } from './engines/postgres.ts'
import { prometheus } from './engines/prometheus.ts'
import { redisCluster } from './engines/redis-cluster.ts'
import { redis } from './engines/redis.ts'
import { s3 } from './engines/s3.ts'
import { StackError } from './stack.ts'

/** Every engine, in the order in which they are started and shown. */
export const ENGINES: readonly Engine[] = [nats, redisCluster, redis, kafka, clickhouse, s3, mongo, elasticsearch, postgres, nginx, prometheus]

/** The engines of a comma-separated list, or those that are started when nothing is named. Throws a StackError for a name that is none. */
export function enginesOf(only: string | undefined): readonly Engine[] {
  if (only === undefined) return ENGINES.filter((engine) => engine.byDefault)
  const names = only.split(',').map((name) => name.trim()).filter(Boolean)
  const unknown = names.filter((name) => !ENGINES.some((engine) => engine.name === name))
  if (unknown.length > 0 || names.length === 0) throw new StackError(`there is no engine "${unknown.join('", "')}": there are ${ENGINES.map(({ name }) => name).join(', ')}`)
  return ENGINES.filter((engine) => names.includes(engine.name))
}
