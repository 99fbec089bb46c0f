import { histogram } from '../metrics/registry.ts'

const seconds = histogram('souk_keys_seconds', 'Duration of one request to the keys store; in PostgreSQL a request carries all gets, or all hits, of a turn')

/** The histogram of each operation. */
export const took = { get: seconds.with({ op: 'get' }), set: seconds.with({ op: 'set' }), del: seconds.with({ op: 'del' }), hit: seconds.with({ op: 'hit' }) }
