import { SLOTS as PLACEMENT_SLOTS, slotOf } from './placement.ts'

// How actors lie in Redis. Every key carries its slot as the hash tag, so that in a cluster a slot lies on one node, and one script
// may touch all of it: the actors, their records, their alarms and the slot's outbox.
//
//   {souk:7}:actor:<type>/<key>          hash    v: version · e: number of its last event · s: state, absent when dead · o: operations
//   {souk:7}:record:<type>/<key>:<id>    hash    h: hash of the body · s: status, empty while it runs · a: answer; lives for a day
//   {souk:7}:due:<type>                  sorted  <key> RS <name> by when it is tried (again), milliseconds since the epoch
//   {souk:7}:alarm:<type>                hash    <key> RS <name> → "<attempts> <when it was set for, RFC 3339>"
//   {souk:7}:outbox                      stream  events that wait for the log; an entry's id begins with the time of its commit

/** Slots of a Redis. Few enough to be looked through often, enough to spread over a cluster; the same for ever, for keys name them. */
export const REDIS_SLOTS = 64

/** The slot of an actor: those that one thread owns stay together as far as may be. */
export const redisSlotOf = (type: string, key: string): number => Math.floor(slotOf(type, key) / (PLACEMENT_SLOTS / REDIS_SLOTS))

const tag = (slot: number): string => `{souk:${slot}}`

export const actorKey = (type: string, key: string): string => `${tag(redisSlotOf(type, key))}:actor:${type}/${key}`
export const recordKey = (type: string, key: string, operationId: string): string => `${tag(redisSlotOf(type, key))}:record:${type}/${key}:${operationId}`
export const dueKey = (type: string, slot: number): string => `${tag(slot)}:due:${type}`
export const alarmKey = (type: string, slot: number): string => `${tag(slot)}:alarm:${type}`
export const outboxKey = (slot: number): string => `${tag(slot)}:outbox`
