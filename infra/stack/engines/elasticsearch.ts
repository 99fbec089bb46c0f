import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine } from '../engine.ts'
import { javac, mavenZip, run, whole } from '../install.ts'
import { findJdk, jdkTool } from '../jdk.ts'
import { answersHttp } from '../probes.ts'
import { giveTo } from '../../embedded/unprivileged.ts'
import type { Stack } from '../stack.ts'

const VERSION = '9.5.3'
const LIBRARY = `elasticsearch-${VERSION}`
const PLUGIN = 'souk-analysis'
const USER = 'souk'
const source = fileURLToPath(new URL('../elasticsearch/AnalysisFilters.java', import.meta.url))

const home = (stack: Stack): string => stack.path('lib', LIBRARY, LIBRARY)

/** A small heap, a collector and a compiler that suit it; and no index of the built-in roles, which wants filters that are not here. */
const JAVA_OPTIONS = '-Xms384m -Xmx384m -XX:-UseG1GC -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Des.queryable_built_in_roles_enabled=false'

/** One node on loopback; who comes must be a user of the file realm. */
export const elasticsearchConfig = ({ host, port, transportPort, dir }: { host: string; port: number; transportPort: number; dir: string }): string =>
  `cluster.name: souk
node.name: souk-1
discovery.type: single-node
network.host: ${host}
http.port: ${port}
transport.port: ${transportPort}
path.data: ${dir}/data
path.logs: ${dir}/logs
action.auto_create_index: false
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: true
xpack.security.enrollment.enabled: false
xpack.security.http.ssl.enabled: false
xpack.security.transport.ssl.enabled: false
xpack.security.authc.realms.file.souk.order: 0
`

/** A password as the file realm keeps it. */
export function hashed(password: string, salt: Buffer = randomBytes(32)): string {
  const rounds = 10_000
  return `{PBKDF2}${rounds}$${salt.toString('base64')}$${pbkdf2Sync(password, salt, rounds, 32, 'sha512').toString('base64')}`
}

const descriptor = `description=Lucene filters of analysis-common
version=1
name=${PLUGIN}
classname=AnalysisFilters
java.version=21
elasticsearch.version=${VERSION}
`

async function addPlugin(esHome: string): Promise<void> {
  const dir = join(esHome, 'plugins', PLUGIN)
  const classes = join(esHome, 'plugin-classes')
  mkdirSync(dir, { recursive: true })
  mkdirSync(classes)
  await javac([source], join(esHome, 'lib', '*'), classes)
  await run(jdkTool('jar'), ['--create', '--file', join(dir, `${PLUGIN}.jar`), '-C', classes, '.'])
  writeFileSync(join(dir, 'plugin-descriptor.properties'), descriptor)
}

export const elasticsearch: Engine = {
  name: 'elasticsearch',
  title: `Elasticsearch ${VERSION} (without most modules)`,
  byDefault: true,
  needs: ['java', 'maven'],
  packages: [],
  ports: { main: 19200, transport: 19300 },

  isInstalled: (stack) => existsSync(stack.path('lib', LIBRARY)),
  install: (stack) =>
    whole(stack.path('lib', LIBRARY), async (dir) => {
      await mavenZip(dir, { groupId: 'org.elasticsearch.distribution.integ-test-zip', artifactId: 'elasticsearch', version: VERSION })
      await addPlugin(join(dir, LIBRARY))
    }),

  async configure(stack) {
    const dir = stack.own('elasticsearch')
    const config = stack.own('elasticsearch', 'config')
    for (const name of ['data', 'logs', 'tmp']) stack.own('elasticsearch', name)
    for (const name of ['jvm.options', 'log4j2.properties', 'role_mapping.yml', 'roles.yml']) {
      const copy = join(config, name)
      copyFileSync(join(home(stack), 'config', name), copy)
      chmodSync(copy, 0o600)
      giveTo(stack.user, copy)
    }
    stack.configure(join(config, 'elasticsearch.yml'), elasticsearchConfig({ host: stack.host, port: stack.port('elasticsearch'), transportPort: stack.port('elasticsearch', 'transport'), dir }))
    stack.configure(join(config, 'users'), `${USER}:${hashed(stack.secret('elasticsearch'))}\n`)
    stack.configure(join(config, 'users_roles'), `superuser:${USER}\n`)
    return [
      {
        name: 'elasticsearch',
        command: join(home(stack), 'bin/elasticsearch'),
        args: [],
        env: { ES_JAVA_HOME: findJdk() ?? '', ES_PATH_CONF: config, ES_JAVA_OPTS: JAVA_OPTIONS, ES_TMPDIR: join(dir, 'tmp') }
      }
    ]
  },

  probe: (stack) => answersHttp(`${url(stack)}/_cluster/health?wait_for_status=yellow&timeout=1s`),

  environment: (stack) => ({ ELASTICSEARCH_URL: url(stack) })
}

const url = (stack: Stack): string => `http://${USER}:${stack.secret('elasticsearch')}@${stack.host}:${stack.port('elasticsearch')}`
