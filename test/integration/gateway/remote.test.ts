import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ServiceBroker } from 'moleculer'
import { brokerOptions } from '../../../moleculer.config.ts'
import { anything, id } from '../../../mixins/primitives/schema.ts'
import { uploadFields } from '../../../mixins/primitives/upload.ts'
import { answer, prepare } from '../../../mixins/runtime/prepared.ts'
import { publicAction, service } from '../../../mixins/runtime/service.ts'
import { readUpload } from '../../../mixins/runtime/upload.ts'
import { loadServices } from '../../../nodes/load.ts'
import { createDatabases, type TestDatabases } from '../../support/databases.ts'
import { until } from '../../support/until.ts'

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')

const far = service({
  name: 'far',
  actions: {
    read: publicAction({ params: {}, returns: anything() }, { rest: 'GET /far', auth: 'anyone', summary: 'Far away' }, () => answer(prepare({ far: true }))),
    who: publicAction({ params: {}, returns: anything() }, { rest: 'GET /who', auth: 'user', summary: 'Who' }, (ctx) => ({ caller: ctx.meta.caller, meta: Object.keys(ctx.meta) })),
    picture: publicAction({ params: { id: id(), ...uploadFields }, returns: anything() }, { rest: 'POST /far/{id}/picture', auth: 'anyone', summary: 'Upload', status: 201, upload: { maxBytes: 10_000, types: ['image/png'] } }, async (ctx) => {
      ctx.meta.$responseHeaders = { 'Souk-Cart': 'x' }
      return { read: (await readUpload(ctx, 10_000)).equals(PNG) }
    })
  }
})

const brokers: ServiceBroker[] = []
let databases: TestDatabases
let url: string

async function start(nodeID: string, services: string[], extra: object[] = []): Promise<ServiceBroker> {
  const broker = new ServiceBroker(brokerOptions({ nodeID: `${nodeID}-${process.pid}`, transporter: 'Fake', logger: false }))
  brokers.push(broker)
  await loadServices(broker, services)
  for (const schema of extra) broker.createService(schema as never)
  await broker.start()
  return broker
}

beforeAll(async () => {
  process.env['SOUK_PORT'] = '0'
  databases = await createDatabases()
  const [edge] = await Promise.all([start('edge', ['gateway']), start('back', ['auth.worker', 'auth'], [far])])
  const gateway = edge.getLocalService('gateway') as unknown as { server: { address(): AddressInfo } }
  url = `http://127.0.0.1:${gateway.server.address().port}`
  await until('the other node\'s routes are known', async () => (await fetch(`${url}/api/v1/me`)).status === 401 && (await fetch(`${url}/api/v1/far`)).ok)
})
afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()))
  await databases.drop()
})

test('actions of other nodes are served: prepared bytes, files, rights and answer headers', async () => {
  const read = await fetch(`${url}/api/v1/far`)
  expect([await read.json(), read.headers.get('etag')]).toEqual([{ far: true }, expect.stringMatching(/^"/)])

  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(PNG)], { type: 'image/png' }), 'dot.png')
  const picture = await fetch(`${url}/api/v1/far/1/picture`, { method: 'POST', body: form })
  expect([picture.status, await picture.json(), picture.headers.get('souk-cart')]).toEqual([201, { read: true }, 'x'])

  const made = await fetch(`${url}/api/v1/auth/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: 'ada@souk.example', password: 'correct horse battery 7', name: 'Ada' }) })
  const { accessToken, user } = (await made.json()) as { accessToken: string; user: { id: string } }
  const who = (await (await fetch(`${url}/api/v1/who`, { headers: { authorization: `Bearer ${accessToken}` } })).json()) as { caller: object; meta: string[] }
  expect(who.caller).toMatchObject({ kind: 'user', userId: user.id, roles: ['shopper'], site: 'local' })
  expect(who.meta).not.toContain('credentials')
  const anonymous = await fetch(`${url}/api/v1/who`)
  expect([anonymous.status, ((await anonymous.json()) as { type: string }).type]).toEqual([401, '/problems/token-expired'])
})

test('whoever can publish still needs a token: a caller in meta is not believed', async () => {
  const [edge] = brokers as [ServiceBroker]
  const meta = { caller: { kind: 'user', userId: 'u1', sessionId: 's1', roles: ['admin'], site: 'local' } }
  await expect(edge.call('auth.users', {}, { meta })).rejects.toMatchObject({ type: 'token-expired' })
})
