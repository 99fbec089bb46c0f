import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setting } from '../settings/settings.ts'
import { ChdbStore } from './chdb-store.ts'
import type { AnalyticsSchema, AnalyticsStore } from './port.ts'

/** Beside the code and not in a node's data: half a gigabyte that all nodes of this machine can share. */
export const CHDB_PACKAGE_DIR = fileURLToPath(new URL('../../.souk/chdb-package', import.meta.url))

/**
 * The analytics store that the configuration names: the ClickHouse engine in a process of this node. Throws when CLICKHOUSE_URL is
 * set: there is no adapter of a ClickHouse server yet.
 */
export function openAnalytics(schema: AnalyticsSchema): AnalyticsStore {
  if (setting('CLICKHOUSE_URL')) throw new Error('CLICKHOUSE_URL is set, but analytics does not yet go to a ClickHouse server: unset it to use the engine in the process')
  return new ChdbStore({ packageDir: CHDB_PACKAGE_DIR, dataDir: resolve(setting('SOUK_DATA_DIR'), 'chdb'), schema })
}
