import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { Kafka, logLevel } from 'kafkajs'
import type { Engine } from '../engine.ts'
import { mavenLibraries, run, type Artifact } from '../install.ts'
import { java } from '../jdk.ts'
import { StackError, type Stack } from '../stack.ts'

const VERSION = '4.4.0'
const LIBRARIES = `kafka-${VERSION}`
const ARTIFACTS: readonly Artifact[] = [
  { groupId: 'org.apache.kafka', artifactId: 'kafka_2.13', version: VERSION },
  { groupId: 'org.apache.logging.log4j', artifactId: 'log4j-slf4j-impl', version: '2.25.5' } // for the slf4j 1.7 that Kafka takes
]
const USER = 'souk'

const HEAP = ['-Xms128m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

interface KafkaSettings {
  host: string
  port: number
  controllerPort: number
  dataDir: string
  passwords: { broker: string; controller: string }
}

/**
 * One node that is broker and controller. Clients and the broker itself log in by SCRAM; the controller by PLAIN, because it is who keeps
 * the SCRAM users. One replica of everything: what is acknowledged is in the log, and survives the process but not the disk.
 */
export const kafkaConfig = ({ host, port, controllerPort, dataDir, passwords }: KafkaSettings): string =>
  `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${host}:${controllerPort}
controller.listener.names=CONTROLLER
listeners=CLIENT://${host}:${port},CONTROLLER://${host}:${controllerPort}
advertised.listeners=CLIENT://${host}:${port}
inter.broker.listener.name=CLIENT
listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.mechanism.controller.protocol=PLAIN
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="broker" password="${passwords.broker}";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="controller" password="${passwords.controller}" user_controller="${passwords.controller}";
log.dirs=${dataDir}
auto.create.topics.enable=false
num.partitions=8
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=8388608
log.retention.hours=168
`

const LOGGING = `status=warn
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c{1}: %m%n
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
`

const classPath = (stack: Stack): string => stack.path('lib', LIBRARIES, '*')

/** Writes the log's head with the users who may log in; only once. */
async function format(stack: Stack, config: string, dataDir: string): Promise<void> {
  if (existsSync(`${dataDir}/meta.properties`)) return
  const id = stack.secret('kafka.id', () => {
    const bytes = randomBytes(16)
    bytes[0]! &= 0x7f // no leading dash, which the tool would take for an option
    return bytes.toString('base64url')
  })
  const users = [[USER, 'kafka'], ['broker', 'kafka.broker']].flatMap(([name, secret]) => ['--add-scram', `SCRAM-SHA-512=[name=${name},password=${stack.secret(secret!)}]`])
  await run(java(), ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classPath(stack), 'kafka.tools.StorageTool', 'format', '-t', id, '-c', config, ...users], {
    as: stack.user,
    cwd: stack.path('kafka')
  })
}

export const kafka: Engine = {
  name: 'kafka',
  title: `Kafka ${VERSION} (KRaft)`,
  byDefault: true,
  needs: ['java', 'maven'],
  packages: [],
  ports: { main: 19092, controller: 19093 },

  isInstalled: (stack) => existsSync(stack.path('lib', LIBRARIES)),
  install: (stack) => mavenLibraries(stack, LIBRARIES, ARTIFACTS),

  async configure(stack) {
    const dir = stack.own('kafka')
    const dataDir = stack.own('kafka', 'data')
    const config = stack.configure(
      `${dir}/server.properties`,
      kafkaConfig({
        host: stack.host,
        port: stack.port('kafka'),
        controllerPort: stack.port('kafka', 'controller'),
        dataDir,
        passwords: { broker: stack.secret('kafka.broker'), controller: stack.secret('kafka.controller') }
      })
    )
    const logging = stack.configure(`${dir}/log4j2.properties`, LOGGING)
    await format(stack, config, dataDir)
    return [{ name: 'kafka', command: java(), args: [...HEAP, `-Dlog4j2.configurationFile=${logging}`, '-cp', classPath(stack), 'kafka.Kafka', config] }]
  },

  async probe(stack) {
    const client = new Kafka({
      clientId: 'souk-stack',
      brokers: [`${stack.host}:${stack.port('kafka')}`],
      sasl: { mechanism: 'scram-sha-512', username: USER, password: stack.secret('kafka') },
      connectionTimeout: 2_000,
      requestTimeout: 3_000,
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING
    })
    const admin = client.admin()
    try {
      await admin.connect()
      const { brokers } = await admin.describeCluster()
      if (brokers.length === 0) throw new StackError('no broker has registered yet')
    } finally {
      await admin.disconnect()
    }
  },

  environment: (stack) => ({
    KAFKA_BROKERS: `${stack.host}:${stack.port('kafka')}`,
    KAFKA_USERNAME: USER,
    KAFKA_PASSWORD: stack.secret('kafka')
  })
}
