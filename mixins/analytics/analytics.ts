import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setting } from '../settings/settings.ts'
import { ChdbStore } from './chdb-store.ts'
import { ClickHouseStore } from './clickhouse-store.ts'
import type { AnalyticsSchema, AnalyticsStore } from './port.ts'

/** Beside the code and not in a node's data: half a gigabyte that all nodes of this machine can share. */
export const CHDB_PACKAGE_DIR = fileURLToPath(new URL('../../.souk/chdb-package', import.meta.url))

/** The analytics store that the configuration names: the ClickHouse server of CLICKHOUSE_URL, else the engine in a process of this node. */
export function openAnalytics(schema: AnalyticsSchema): AnalyticsStore {
  const url = setting('CLICKHOUSE_URL')
  if (url) return new ClickHouseStore({ url, schema })
  return new ChdbStore({ packageDir: CHDB_PACKAGE_DIR, dataDir: resolve(setting('SOUK_DATA_DIR'), 'chdb'), schema })
}
