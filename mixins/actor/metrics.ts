import { counter, gauge, histogram, SIZE_BUCKETS } from '../metrics/registry.ts'

export const activeActors = gauge('souk_actor_activations', 'Actors in memory.')
export const unanswered = gauge('souk_actor_unanswered', 'Turns and messages that were taken and are not answered yet.')
export const batchSizes = histogram('souk_actor_batch_turns', 'Turns of many actors committed together, or messages of one desk run together.', SIZE_BUCKETS)
export const staleTurns = counter('souk_actor_stale_total', 'Turns that ran again because another owner had committed meanwhile.')
export const repeats = counter('souk_actor_repeats_total', 'Repeated calls that were answered from what had been committed.')
export const turnDurations = histogram('souk_actor_turn_seconds', 'From a turn’s arrival in the mailbox to its answer.')
