import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { CHDB_PACKAGE_DIR } from '../../mixins/analytics/analytics.ts'
import { until } from './until.ts'
import { freePort } from './whole-shop.ts'

const SERVER = fileURLToPath(new URL('../../infra/stack/clickhouse/server.ts', import.meta.url))
const USER = { user: 'souk', password: 'p@ss word' }

/** A ClickHouse server of a test's own: the stack's, on the engine that runs in a process. */
export interface TestClickHouse {
  url: string
  stop(): Promise<void>
}

/** Starts a server with its data in `dataDir`; the engine must be installed (chdbIsMissing). */
export async function startClickHouse(dataDir: string): Promise<TestClickHouse> {
  const port = await freePort()
  const settings = { host: '127.0.0.1', port, packageDir: CHDB_PACKAGE_DIR, dataDir, database: 'souk', ...USER }
  const child: ChildProcess = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SERVER], { env: { ...process.env, SOUK_CLICKHOUSE: JSON.stringify(settings) }, stdio: 'ignore' })
  await until('ClickHouse answers', () => fetch(`http://127.0.0.1:${port}/ping`).then(({ ok }) => ok, () => false))
  return {
    url: `http://${USER.user}:${encodeURIComponent(USER.password)}@127.0.0.1:${port}/souk`,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
  }
}
