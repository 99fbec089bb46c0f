import { CHDB_PACKAGE_DIR } from '../../mixins/analytics/analytics.ts'
import { install, unsupported } from '../../mixins/analytics/chdb-install.ts'

/** Installs the ClickHouse engine where it is not, and says why it cannot be: tests of it are skipped then, and say so. */
export async function chdbIsMissing(): Promise<string | null> {
  const why = unsupported() ?? (await install(CHDB_PACKAGE_DIR).then(() => null, (error: Error) => error.message))
  if (why) console.warn(`tests of the ClickHouse engine are skipped: ${why}`)
  return why
}
