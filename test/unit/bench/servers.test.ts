import { createServer, type AddressInfo } from 'node:net'
import { expect, test } from '@jest/globals'
import { cpuOfServers } from '../../bench/load/cpu.ts'
import { enginePorts, serversOf } from '../../bench/load/servers.ts'

test('ports of engines on this machine are read from URLs and from lists of places', () => {
  const env = {
    DATABASE_URL: 'postgres://souk:x@127.0.0.1:15432/souk',
    DATABASE_URL_CART: 'postgres://souk:x@127.0.0.1:15432/souk_cart',
    ORDERS_DATABASE_URLS: 'postgres://souk:x@127.0.0.1:15433/a,postgres://souk:x@127.0.0.1:15434/b',
    KAFKA_BROKERS: 'localhost:19092,kafka.example:9092',
    REDIS_URL: 'redis://redis.example:6379',
    SOUK_PORT: '3000',
    S3_ENDPOINT: ''
  }
  expect(enginePorts(env)).toEqual(new Map([[15_432, 'postgres'], [15_433, 'postgres'], [15_434, 'postgres'], [19_092, 'kafka']]))
})

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('the process that listens there is found, and its CPU counted', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const servers = serversOf({ REDIS_URL: `redis://127.0.0.1:${(server.address() as AddressInfo).port}` })
  server.close()
  expect(servers).toEqual(new Map([[process.pid, 'redis']]))
  expect(cpuOfServers(servers)['redis']).toBeGreaterThan(0)
  expect(serversOf({ REDIS_URL: 'redis://redis.example:6379' }).size).toBe(0)
})
