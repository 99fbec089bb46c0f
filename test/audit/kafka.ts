import type { EachBatchPayload } from 'kafkajs'
import type pg from 'pg'
import { kafkaClient } from '../../mixins/events/kafka-client.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { columns } from '../../mixins/postgres/database.ts'
import { FEED } from '../../services/analytics/analytics.ts'

const TABLE = `CREATE TEMP TABLE audit_event (topic text, id text, aggregate text, number bigint, at timestamptz, body json) ON COMMIT PRESERVE ROWS`
const INSERT = `INSERT INTO audit_event SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::json[])
  AS e (topic, id, aggregate, number, at, body) WHERE at <= now()`

/**
 * Copies the event log from Kafka into a table of the session, up to where it ends now; what was committed after the session's
 * snapshot is left out. Answers the topics whose oldest events have left the log by age.
 */
export async function copyKafka(brokers: readonly string[], into: pg.Client): Promise<string[]> {
  await into.query(TABLE)
  const kafka = kafkaClient(brokers)
  const admin = kafka.admin()
  const group = `audit-${newId()}`
  const consumer = kafka.consumer({ groupId: group, allowAutoTopicCreation: false, maxWaitTimeInMs: 200 })
  try {
    await admin.connect()
    const there = new Set(await admin.listTopics())
    const topics = FEED.topics.filter((topic) => there.has(topic))
    const ends = new Map<string, number>()
    const trimmed = new Set<string>()
    for (const topic of topics) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        if (Number(high) > Number(low)) ends.set(`${topic}/${partition}`, Number(high))
        if (Number(low) > 0) trimmed.add(topic)
      }
    }
    if (ends.size === 0) return [...trimmed]
    const { promise: read, resolve, reject } = Promise.withResolvers<void>()
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    await consumer.connect()
    await consumer.subscribe({ topics, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      async eachBatch({ batch }: EachBatchPayload) {
        const rows = batch.messages.map(({ value }) => {
          const { id, aggregate, number, at, body } = JSON.parse(value!.toString()) as Record<'id' | 'aggregate' | 'number' | 'at', string> & { body: unknown }
          return { topic: batch.topic, id, aggregate, number, at, body: JSON.stringify(body) }
        })
        await into.query(INSERT, columns(rows, ['topic', 'id', 'aggregate', 'number', 'at', 'body'])).catch(reject)
        const place = `${batch.topic}/${batch.partition}`
        if (Number(batch.lastOffset()) + 1 >= (ends.get(place) ?? 0)) ends.delete(place)
        if (ends.size === 0) resolve()
      }
    })
    await read
    return [...trimmed]
  } finally {
    await consumer.disconnect()
    await admin.deleteGroups([group]).catch(() => {}) // it was never stored
    await admin.disconnect()
  }
}
