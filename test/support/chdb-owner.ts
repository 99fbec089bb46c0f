// Starts an embedded ClickHouse from a thread, so that a test can end that thread.
import { parentPort, workerData } from 'node:worker_threads'
import { ChdbStore, type ChdbOptions } from '../../mixins/analytics/chdb-store.ts'

const store = new ChdbStore(workerData as ChdbOptions)
await store.query('sum', { name: 'x' })
parentPort!.postMessage('started')
setInterval(() => {}, 1_000)
