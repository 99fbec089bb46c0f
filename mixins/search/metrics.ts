import { histogram } from '../metrics/registry.ts'

const seconds = histogram('souk_search_engine_seconds', 'Duration of one request to the search engine')

/** The histogram of each operation. */
export const took = { query: seconds.with({ op: 'query' }), suggest: seconds.with({ op: 'suggest' }), put: seconds.with({ op: 'put' }) }
