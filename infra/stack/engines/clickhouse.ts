import { copyFileSync, chmodSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { install, isInstalled } from '../../../mixins/analytics/chdb-install.ts'
import type { Engine } from '../engine.ts'
import { ownNode } from '../own-node.ts'
import { answersHttp } from '../probes.ts'
import { StackError, type Stack } from '../stack.ts'

const USER = 'souk'
const DATABASE = 'souk'
const PACKAGE = 'chdb'

const packageDir = (stack: Stack): string => stack.path('lib', PACKAGE)
const source = fileURLToPath(new URL('../clickhouse/server.ts', import.meta.url))

/** The server lies where the engines' user can reach it. */
function placeServer(stack: Stack): string {
  const file = stack.path('lib', 'clickhouse-server.ts')
  copyFileSync(source, file)
  chmodSync(file, 0o644)
  return file
}

export const clickhouse: Engine = {
  name: 'clickhouse',
  title: 'ClickHouse (the engine of chdb behind a small HTTP server)',
  byDefault: true,
  needs: ['npm'],
  packages: [],
  ports: { main: 18123 },

  isInstalled: (stack) => isInstalled(packageDir(stack)),
  async install(stack) {
    await install(packageDir(stack)).catch((error: Error) => {
      throw new StackError(`clickhouse: npm cannot install chdb: ${error.message}`)
    })
    if (!existsSync(packageDir(stack))) throw new StackError('clickhouse: npm installed nothing')
  },

  async configure(stack) {
    stack.own('clickhouse')
    const settings = { host: stack.host, port: stack.port('clickhouse'), packageDir: packageDir(stack), dataDir: stack.own('clickhouse', 'data'), user: USER, password: stack.secret('clickhouse'), database: DATABASE }
    return [{ name: 'clickhouse', command: ownNode(stack), args: ['--disable-warning=ExperimentalWarning', placeServer(stack)], env: { SOUK_CLICKHOUSE: JSON.stringify(settings) } }]
  },

  probe: (stack) => answersHttp(`http://${USER}:${stack.secret('clickhouse')}@${stack.host}:${stack.port('clickhouse')}/?query=SELECT%201`),

  environment: (stack) => ({ CLICKHOUSE_URL: `http://${USER}:${stack.secret('clickhouse')}@${stack.host}:${stack.port('clickhouse')}/${DATABASE}` })
}
