import { pbkdf2Sync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { renderEnv } from '../../../infra/stack/env-file.ts'
import { elasticsearchConfig, hashed } from '../../../infra/stack/engines/elasticsearch.ts'
import { kafkaConfig } from '../../../infra/stack/engines/kafka.ts'
import { natsConfig } from '../../../infra/stack/engines/nats.ts'
import { nginxSite } from '../../../infra/stack/engines/nginx.ts'
import { slotRanges } from '../../../infra/stack/engines/redis-cluster.ts'
import { redisConfig } from '../../../infra/stack/engines/redis.ts'
import { complaintOf, pom } from '../../../infra/stack/install.ts'
import { isGoNewEnough } from '../../../infra/stack/prerequisites.ts'
import { ENGINES, enginesOf } from '../../../infra/stack/registry.ts'
import { serviceSchemas } from '../../../infra/stack/schemas.ts'
import { duration, table } from '../../../infra/stack/status.ts'

const HOST = '127.0.0.1'

describe('configuration of the stack’s engines', () => {
  test('Redis has on disk what it acknowledged, on loopback, with a password', () => {
    const lines = redisConfig({ host: HOST, port: 7000, dir: '/d', password: 'secret' }).split('\n')
    expect(lines).toEqual(expect.arrayContaining(['bind 127.0.0.1', 'port 7000', 'requirepass secret', 'appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction']))
    expect(lines.some((line) => line.startsWith('cluster-'))).toBe(false)
  })

  test('members of a Redis cluster log in to each other and find their second port', () => {
    const lines = redisConfig({ host: HOST, port: 7000, dir: '/d', password: 'secret', cluster: true }).split('\n')
    expect(lines).toEqual(expect.arrayContaining(['masterauth secret', 'cluster-enabled yes', 'cluster-port 17000', 'appendfsync always']))
  })

  test('the slots of a cluster are all there, each once', () => {
    const ranges = slotRanges(3)
    expect(ranges[0]![0]).toBe(0)
    expect(ranges.at(-1)![1]).toBe(16_383)
    for (const [i, [first]] of ranges.entries()) if (i > 0) expect(first).toBe(ranges[i - 1]![1] + 1)
  })

  test('users of NATS have rights to their own subjects alone, and the accounts do not share them', () => {
    const config = natsConfig({ host: HOST, port: 1, monitorPort: 2, passwords: { souk: 'a', guest: 'b', other: 'c', system: 'd' }, tls: { cert: '/c', key: '/k' } })
    expect(config).toContain('{ user: souk, password: "a", permissions: { publish: { allow: ["MOL-souk.>"] }, subscribe: { allow: ["MOL-souk.>"] } } }')
    expect(config).toContain('{ user: guest, password: "b", permissions: { publish: { allow: ["guest.>"] }, subscribe: { allow: ["guest.>"] } } }')
    expect(config.indexOf('OTHER:')).toBeGreaterThan(config.indexOf('SOUK:'))
    expect(config).not.toMatch(/no_auth_user|0\.0\.0\.0/)
  })

  test('Kafka takes nobody without a login, on any of its listeners', () => {
    const lines = kafkaConfig({ host: HOST, port: 1, controllerPort: 2, dataDir: '/d', passwords: { broker: 'b', controller: 'c' } }).split('\n')
    expect(lines).toContain('listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT')
    expect(lines).toContain('auto.create.topics.enable=false')
    for (const [key, value] of lines.map((line) => line.split('=')) as [string, string][]) if (/replication\.factor|min\.(isr|insync)/.test(key)) expect([key, value]).toEqual([key, '1'])
  })

  test('Elasticsearch asks for a user, whose password it keeps as a hash', () => {
    expect(elasticsearchConfig({ host: HOST, port: 1, transportPort: 2, dir: '/d' })).toContain('xpack.security.enabled: true')
    const [, rounds, salt, hash] = /^\{PBKDF2\}(\d+)\$([^$]+)\$([^$]+)$/.exec(hashed('secret'))!
    expect(pbkdf2Sync('secret', Buffer.from(salt!, 'base64'), Number(rounds), 32, 'sha512').toString('base64')).toBe(hash)
  })

  test('nginx stands before the edges that it is given, and fills the template whole', () => {
    const template = readFileSync(new URL('../../../infra/nginx/souk.conf.template', import.meta.url), 'utf8')
    const site = nginxSite(template, '127.0.0.1:80', ['127.0.0.1:3000', '127.0.0.1:3001'])
    expect(site).toContain('listen 127.0.0.1:80;')
    expect(site.match(/server 127\.0\.0\.1:\d+ max_fails/g)).toHaveLength(2)
    expect(site).not.toContain('${SOUK')
  })

  test('a Maven project names each artifact', () => {
    expect(pom([{ groupId: 'g', artifactId: 'a', version: '1' }])).toContain('<dependency><groupId>g</groupId><artifactId>a</artifactId><version>1</version></dependency>')
  })

  test('each service that is not sharded has a database of its own', () => {
    const schemas = serviceSchemas()
    expect(schemas).toEqual(expect.arrayContaining(['auth', 'cart', 'product', 'payment']))
    expect(schemas).not.toContain('orders')
  })
})

describe('the environment file', () => {
  test('says the same to Node as was written, several lines and signs included', () => {
    const environment = { A: 'redis://:x@127.0.0.1:1', B: 'two words', C: '-----BEGIN\nMII=\n-----END', D: '' }
    expect(parseEnv(renderEnv(environment))).toEqual(environment)
  })

  test('refuses what a shell would read differently', () => {
    expect(() => renderEnv({ A: "it's" })).toThrow(/A: /)
  })
})

describe('the stack’s command line', () => {
  test('names engines once each, in one order, with ports that no other has', () => {
    expect(new Set(ENGINES.map(({ name }) => name)).size).toBe(ENGINES.length)
    const ports = ENGINES.flatMap((engine) => Object.values(engine.ports))
    expect(new Set(ports).size).toBe(ports.length)
    expect(enginesOf('redis, nats').map(({ name }) => name)).toEqual(['nats', 'redis'])
    expect(enginesOf(undefined).map(({ name }) => name)).not.toContain('redis-cluster')
    expect(() => enginesOf('redis,nope')).toThrow('there is no engine "nope"')
    expect(() => enginesOf('')).toThrow(/there is no engine/)
  })

  test('takes Go 1.26 and later', () => {
    expect(['go version go1.25.9 linux/amd64', 'go version go1.26.8 linux/amd64', 'go version go2.0 linux/amd64', 'nothing'].map(isGoNewEnough)).toEqual([false, true, true, false])
  })

  test('shows of a failed program’s output the line that says why', () => {
    expect(complaintOf('Reading package lists...\nE: Unable to locate package nope\n')).toBe('E: Unable to locate package nope')
    expect(complaintOf('\u001b[1mERROR\u001b[m no such artifact\nhelp')).toBe('ERROR no such artifact')
    expect(complaintOf('')).toBe('it said nothing')
  })

  test('shows durations and columns as people read them', () => {
    expect([1_000, 119_000, 120_000, 7_300_000].map(duration)).toEqual(['1 s', '119 s', '2 min', '2 h'])
    expect(table([['a', 'bb'], ['ccc', 'd']])).toEqual(['a    bb', 'ccc  d'])
  })
})
