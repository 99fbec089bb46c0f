import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { anything, id, int, list, object, optional, pageQuery, pageRule, queryList, record, text } from '../../../mixins/primitives/schema.ts'
import { uploadFields } from '../../../mixins/primitives/upload.ts'
import { problem } from '../../../mixins/primitives/problem.ts'
import { answer, prepare } from '../../../mixins/runtime/prepared.ts'
import { publicAction, service, workerAction } from '../../../mixins/runtime/service.ts'
import { readUpload } from '../../../mixins/runtime/upload.ts'
import { startHttpShop, type HttpShop } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const big = prepare({ text: 'lorem ipsum '.repeat(1_000) })
let release: () => void = () => {}
let calls = 0

/** A tiny domain that does what the gateway must cope with. */
const shelf = service({
  name: 'shelf',
  actions: {
    list: publicAction({ params: { ...pageQuery, tag: optional(queryList(text())), attr: optional(record(queryList(text()))) }, returns: pageRule(object({ id: id() })) }, { rest: 'GET /things', auth: 'anyone', summary: 'Things', cacheSeconds: 5 }, (ctx) => ctx.params as never),
    get: publicAction({ params: { id: id() }, returns: object({ id: id(), version: int() }) }, { rest: 'GET /things/{id}', auth: 'anyone', summary: 'A thing', etag: 'version' }, (ctx) => ({ id: ctx.params.id, version: 7 })),
    mine: publicAction({ params: {}, returns: anything() }, { rest: 'GET /things/mine', auth: 'anyone', summary: 'A fixed path beside a parameter' }, () => ({ mine: true })),
    add: publicAction({ params: { name: text({ max: 20 }), parts: optional(list(object({ size: int({ min: 1 }) }), { max: 5 })) }, returns: anything() }, { rest: 'POST /things', auth: 'anyone', summary: 'Add', status: 201 }, (ctx) => {
      calls++
      return ctx.params
    }),
    set: publicAction({ params: { id: id(), name: text() }, returns: anything() }, { rest: 'PUT /things/{id}', auth: 'anyone', summary: 'Set' }, (ctx) => ({ ...ctx.params, ifMatch: ctx.meta.ifMatch })),
    remove: publicAction({ params: { id: id() }, returns: anything() }, { rest: 'DELETE /things/{id}', auth: 'anyone', summary: 'Remove', status: 204 }, () => null),
    big: publicAction({ params: {}, returns: anything() }, { rest: 'GET /big', auth: 'anyone', summary: 'Prepared bytes' }, () => answer(big)),
    bug: publicAction({ params: {}, returns: anything() }, { rest: 'GET /bug', auth: 'anyone', summary: 'A bug' }, () => {
      throw new Error('password of the database is hunter2')
    }),
    wrongCall: publicAction({ params: {}, returns: anything() }, { rest: 'GET /wrong-call', auth: 'anyone', summary: 'A bug in a call' }, (ctx) => ctx.call('shelf.inner', { nonsense: 1 })),
    inner: workerAction({ params: { wanted: text() }, returns: anything() }, { handler: () => null }),
    gone: publicAction({ params: {}, returns: anything() }, { rest: 'GET /gone', auth: 'anyone', summary: 'Calls what is not there' }, (ctx) => ctx.call('nobody.home')),
    stock: publicAction({ params: {}, returns: anything() }, { rest: 'GET /stock', auth: 'anyone', summary: 'A problem with members', problems: ['out-of-stock'] }, () => {
      throw problem('out-of-stock', 'Not enough.', { lines: [{ offerId: 'o1' }], retryAfter: 3 })
    }),
    slow: publicAction({ params: {}, returns: anything() }, { rest: 'GET /slow', auth: 'anyone', summary: 'Waits' }, async () => {
      await new Promise<void>((resolve) => (release = resolve))
      return { slow: true }
    }),
    picture: publicAction({ params: { id: id(), ...uploadFields }, returns: anything() }, { rest: 'POST /things/{id}/picture', auth: 'anyone', summary: 'Upload', status: 201, upload: { maxBytes: 1_000, types: ['image/png'] } }, async (ctx) => ({ ...ctx.params, read: (await readUpload(ctx, 1_000)).equals(PNG) })),
    document: publicAction({ params: { ...uploadFields }, returns: anything() }, { rest: 'POST /documents', auth: ['seller'], summary: 'Upload by somebody', status: 201, upload: { maxBytes: 1_000, types: ['image/png'] } }, () => ({})),
    hook: publicAction({ params: { b: int(), a: int() }, returns: anything() }, { rest: 'POST /hook', auth: 'open', summary: 'A webhook', signature: 'x-signature' }, (ctx) => ctx.meta.signed ?? null)
  }
})

let shop: HttpShop
beforeAll(async () => {
  shop = await startHttpShop([], [shelf])
})
afterAll(() => shop.stop())

const fields = (body: { errors: { field: string; code: string }[] }): string[] => body.errors.map((e) => `${e.field} ${e.code}`).sort()

/** Bytes on a bare connection, and what comes back until it closes or a whole answer with a length is there. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(shop.url).port), '127.0.0.1', () => socket.write(text))
    let got = ''
    socket.on('data', (chunk: Buffer) => {
      got += chunk.toString('latin1')
      const [head, body] = got.split('\r\n\r\n', 2) as [string, string | undefined]
      if (body !== undefined && body.length >= Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Infinity)) socket.destroy()
    })
    socket.on('close', () => resolve(got))
    socket.on('error', reject)
  })

describe('paths', () => {
  test('fixed segments win over parameters, escapes are decoded, a trailing slash is forgiven', async () => {
    expect((await shop.send('GET', '/things/mine')).body).toEqual({ mine: true })
    expect((await shop.send('GET', '/things/a%3Ab/')).body.id).toBe('a:b')
    expect((await shop.send('GET', '/things/%zz')).body.type).toBe('/problems/bad-request')
    expect((await shop.send('GET', '/things/a%20b')).status).toBe(422)
  })

  test('unknown ones are 404, known ones with another method 405 with Allow', async () => {
    for (const path of ['/nothing', '!/api', '!/api/v1', '/things/1/2', '/things//']) expect((await shop.send('GET', path)).status).toBe(404)
    const r = await shop.send('PATCH', '/things/1', { body: {} })
    expect([r.status, r.headers.get('allow'), r.body.allow]).toEqual([405, 'GET, PUT, DELETE, HEAD', ['GET', 'PUT', 'DELETE', 'HEAD']])
    const options = await shop.send('OPTIONS', '/things')
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, POST, HEAD'])
  })

  test('HEAD is GET without its body', async () => {
    const [head, get] = [await shop.send('HEAD', '/things/1'), await shop.send('GET', '/things/1')]
    expect([head.status, head.body, head.headers.get('etag')]).toEqual([200, '', get.headers.get('etag')])
  })
})

describe('parameters', () => {
  test('unknown queries, repeated ones and a query on a POST are named', async () => {
    expect(fields((await shop.send('GET', '/things?limit=1&limit=2&colour=red')).body)).toEqual(['colour unknown', 'limit repeated'])
    expect(fields((await shop.send('POST', '/things?name=x', { body: { name: 'y' } })).body)).toEqual(['name unknown'])
    expect(fields((await shop.send('GET', '/things?limit=ten')).body)).toEqual(['limit type'])
    expect(fields((await shop.send('GET', '/things?limit=100000')).body)).toEqual(['limit too-large'])
  })

  test('lists may repeat and maps collect their keys', async () => {
    const r = await shop.send('GET', '/things?tag=a&tag=b&attr.colour=red&attr.size=1&attr.size=2')
    expect(r.body).toEqual({ tag: ['a', 'b'], attr: { colour: ['red'], size: ['1', '2'] } })
    expect((await shop.send('GET', '/things?tag=a')).body).toEqual({ tag: ['a'] })
    expect(fields((await shop.send('GET', '/things?attr.=x&attr.__proto__=y')).body)).toEqual(['attr. unknown', 'attr.__proto__ unknown'])
  })

  test('nothing shadows a path parameter', async () => {
    expect(fields((await shop.send('PUT', '/things/1', { body: { id: '2', name: 'x' } })).body)).toEqual(['id unknown'])
    expect(fields((await shop.send('GET', '/things/1?id=2')).body)).toEqual(['id unknown'])
    expect(fields((await shop.send('DELETE', '/things/1', { body: { id: '2' } })).body)).toEqual(['id unknown'])
    expect((await shop.send('DELETE', '/things/1')).status).toBe(204)
  })

  test('fields are named by their path, values are never repeated', async () => {
    const r = await shop.send('POST', '/things', { body: { name: 7, parts: [{ size: 0 }, { size: 1, extra: true }, {}], toString: 1 } })
    expect(fields(r.body)).toEqual(['name type', 'parts[0].size too-small', 'parts[1].extra unknown', 'parts[2].size required', 'toString unknown'])
    const secret = await shop.send('POST', '/things', { body: { name: 's3cret-'.repeat(10) } })
    expect(JSON.stringify(secret.body)).not.toContain('s3cret')
  })

  test('null is no value of a field, optional or not', async () => {
    expect(fields((await shop.send('POST', '/things', { body: { name: 'x', parts: null } })).body)).toEqual(['parts required'])
    expect(fields((await shop.send('POST', '/things', { body: { name: null, parts: [null] } })).body)).toEqual(['name required', 'parts required'])
    expect(fields((await shop.send('POST', '/things', { body: { name: 'x', parts: [{ size: null }] } })).body)).toEqual(['parts[0].size required'])
  })

  test('a body that would change objects is refused', async () => {
    expect(fields((await shop.send('POST', '/things', { body: '{"name":"x","__proto__":{"admin":true}}' })).body)).toEqual(['__proto__ unknown'])
    expect(fields((await shop.send('POST', '/things', { body: '{"name":"x","parts":[{"size":1,"__proto__":{}}]}' })).body)).toEqual(['parts[0].__proto__ unknown'])
  })
})

describe('bodies', () => {
  test.each([
    ['broken JSON', '{"name":', 400, 'malformed-json'],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 400, 'malformed-json'],
    ['nested too deep', '['.repeat(100_000), 400, 'malformed-json'],
    ['a list', '[]', 422, 'validation-failed'],
    ['null', 'null', 422, 'validation-failed'],
    ['half a surrogate pair', '{"name":"\\ud800"}', 422, 'validation-failed'],
    ['NUL', '{"name":"a\\u0000b"}', 422, 'validation-failed'],
    ['too large', JSON.stringify({ name: 'x'.repeat(3_000_000) }), 413, 'too-large']
  ])('%s is refused', async (_what, body, status, type) => {
    const r = await shop.send('POST', '/things', { body })
    expect([r.status, r.body.type, r.headers.get('content-type')]).toEqual([status, `/problems/${type}`, 'application/problem+json'])
  })

  test.each([['text/plain'], ['application/x-www-form-urlencoded'], ['application/json; charset=latin1'], ['multipart/form-data; boundary=x']])('%s is not taken', async (type) => {
    expect((await shop.send('POST', '/things', { body: '{}', headers: { 'content-type': type } })).status).toBe(415)
  })

  test('one that is too large without saying so is refused as it comes', async () => {
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 40; i++) controller.enqueue(new Uint8Array(64 * 1024).fill(0x20))
        controller.close()
      }
    })
    const r = await fetch(`${shop.url}/api/v1/things`, { method: 'POST', body: stream, headers: { 'content-type': 'application/json' }, duplex: 'half' } as RequestInit)
    expect(r.status).toBe(413)
  })

  test("a card's number is refused in whatever field, known or not, and goes no further", async () => {
    const before = calls
    for (const body of [{ name: '4111 1111 1111 1111' }, { cardNumber: '5500005555555559', name: 'x' }, { '378282246310005': 1 }, { name: 7, parts: [{ size: 6011000990139424 }] }]) {
      const r = await shop.send('POST', '/things', { body })
      expect([r.status, r.body.type]).toEqual([422, '/problems/card-data-refused'])
      expect(JSON.stringify(r.body)).not.toMatch(/\d{6}/)
    }
    expect(calls).toBe(before)
  })

  test('an empty one is an empty object', async () => {
    expect(fields((await shop.send('POST', '/things')).body)).toEqual(['name required'])
  })

  test('a signed one comes with its very bytes', async () => {
    const r = await shop.send('POST', '/hook', { body: '{ "b":1, "a": 2 }', headers: { 'x-signature': 't=1,v1=ab' } })
    expect(r.body).toEqual({ body: '{ "b":1, "a": 2 }', signature: 't=1,v1=ab' })
  })
})

describe('files', () => {
  const upload = (bytes: Uint8Array<ArrayBuffer>, type: string, more: Record<string, string> = {}) => {
    const form = new FormData()
    form.set('file', new Blob([bytes], { type }), 'dot.png')
    for (const [name, value] of Object.entries(more)) form.set(name, value)
    return shop.send('POST', '/things/1/picture', { body: form })
  }

  test('arrive whole', async () => {
    expect((await upload(new Uint8Array(PNG), 'image/png')).body).toEqual({ id: '1', contentType: 'image/png', size: PNG.length, fileName: 'dot.png', read: true })
  })

  test('are not even read from somebody without a token of ours', async () => {
    for (const headers of [{}, { authorization: 'Bearer nonsense' }] as Record<string, string>[]) {
      expect((await shop.send('POST', '/documents', { body: new FormData(), headers })).body.type).toBe('/problems/token-expired')
    }
  })

  test('are refused by size, type, what they are, and company', async () => {
    expect((await upload(new Uint8Array(1_001).fill(1), 'image/png')).status).toBe(413)
    expect((await upload(new Uint8Array(200_000).fill(1), 'image/png')).status).toBe(413)
    expect((await upload(new Uint8Array(PNG), 'text/html')).status).toBe(415)
    expect((await upload(new Uint8Array(Buffer.from('<script>')), 'image/png')).status).toBe(415)
    expect((await upload(new Uint8Array(PNG), 'image/png', { size: '1' })).status).toBe(422)
    expect((await shop.send('POST', '/things/1/picture', { body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=y' } })).status).toBe(400)
    expect((await shop.send('POST', '/things/1/picture', { body: {} })).status).toBe(415)
  })
})

describe('pages', () => {
  test('healthz and readyz say what they know', async () => {
    expect((await shop.send('GET', '!/healthz')).body).toEqual({ status: 'alive' })
    const ready = await shop.send('GET', '!/readyz')
    expect([ready.status, ready.body]).toEqual([200, { status: 'ready', waitingFor: [] }])
  })

  test('docs and problem types are readable without a script', async () => {
    const docs = await shop.send('GET', '!/docs')
    expect((await shop.send('GET', '!/')).body).toBe(docs.body)
    expect(docs.headers.get('content-type')).toContain('text/html')
    expect(docs.body).toContain('/api/v1/things/{id}/picture')
    expect(docs.body).not.toMatch(/<script|https?:\/\/(?!127)/)
    expect((await shop.send('GET', '!/problems/out-of-stock')).body).toContain('Not enough stock')
    expect((await shop.send('GET', '!/problems/none-such')).status).toBe(404)
  })
})

describe('errors', () => {
  test('show nothing internal, and carry the request\'s id', async () => {
    for (const path of ['/bug', '/wrong-call']) {
      const r = await shop.send('GET', path, { headers: { 'x-request-id': 'mine-12345' } })
      expect([r.status, r.body.type, r.body.instance, r.headers.get('x-request-id')]).toEqual([500, '/problems/internal', 'mine-12345', 'mine-12345'])
      expect(JSON.stringify(r.body)).not.toMatch(/hunter2|wanted|shelf/)
    }
  })

  test('what is not there is 503 with Retry-After', async () => {
    const r = await shop.send('GET', '/gone')
    expect([r.status, r.body.type, Number(r.headers.get('retry-after')) > 0]).toEqual([503, '/problems/unavailable', true])
  })

  test('members of a problem are shown, retryAfter becomes a header', async () => {
    const r = await shop.send('GET', '/stock')
    expect([r.status, r.body.lines, r.body.retryAfter, r.headers.get('retry-after')]).toEqual([409, [{ offerId: 'o1' }], undefined, '3'])
  })

  test('a route whose action went away is 503, not 404', async () => {
    const passing = await shop.broker.createService(service({ name: 'passing', actions: { x: publicAction({ params: {}, returns: anything() }, { rest: 'GET /passing', auth: 'anyone', summary: 'x' }, () => ({ x: 1 })) } }))
    await until('the route is known', async () => (await shop.send('GET', '/passing')).status === 200)
    await shop.broker.destroyService(passing)
    expect((await shop.send('GET', '/passing')).status).toBe(503)
    expect((await shop.send('GET', '!/readyz')).body).toEqual({ status: 'starting', waitingFor: ['passing'] })
  })
})

describe('answers', () => {
  test('a version is the ETag, 304 when it is known; If-Match reaches the action unquoted', async () => {
    const r = await shop.send('GET', '/things/1')
    expect(r.headers.get('etag')).toBe('"7"')
    for (const tag of ['"7"', 'W/"7"', '"1", "7"', '*']) expect((await shop.send('GET', '/things/1', { headers: { 'if-none-match': tag } })).status).toBe(304)
    expect((await shop.send('GET', '/things/1', { headers: { 'if-none-match': '"8"' } })).status).toBe(200)
    expect((await shop.send('PUT', '/things/1', { body: { name: 'x' }, headers: { 'if-none-match': '*' } })).status).toBe(200) // a change was made, so its answer is told
    expect((await shop.send('PUT', '/things/1', { body: { name: 'x' }, headers: { 'if-match': '"7"' } })).body.ifMatch).toBe('7')
    expect((await shop.send('PUT', '/things/1', { body: { name: 'x' }, headers: { 'if-match': '7' } })).status).toBe(400)
    expect((await shop.send('PUT', '/things/1', { body: { name: 'x' }, headers: { 'if-match': '*' } })).body.ifMatch).toBeUndefined()
  })

  test('large ones are compressed for those who take it, and known by the same tag', async () => {
    const plain = await shop.send('GET', '/big', { headers: { 'accept-encoding': 'identity' } })
    const zipped = await shop.send('GET', '/big', { headers: { 'accept-encoding': 'gzip' } })
    expect([plain.headers.get('content-encoding'), zipped.headers.get('content-encoding')]).toEqual([null, 'gzip'])
    expect(zipped.body).toEqual(plain.body)
    expect(Number(zipped.headers.get('content-length'))).toBeLessThan(1_000)
    expect((await shop.send('GET', '/big', { headers: { 'if-none-match': zipped.headers.get('etag')!, 'accept-encoding': 'gzip' } })).status).toBe(304)
  })

  test('say who may keep them, and that nothing in them may run', async () => {
    const r = await shop.send('GET', '/things')
    expect(r.headers.get('cache-control')).toBe('public, max-age=5')
    expect((await shop.send('POST', '/things', { body: { name: 'x' } })).headers.get('cache-control')).toBe('no-store')
    expect(r.headers.get('x-content-type-options')).toBe('nosniff')
    expect(r.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(r.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('strange clients', () => {
  test('headers without end are refused', async () => {
    expect(await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Flood: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 [\s\S]*problem\+json/)
  })

  test('what is not HTTP is refused', async () => {
    expect(await raw('HELLO\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    expect(await raw('POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })

  test('a body that stops half way holds nobody up and is never handled', async () => {
    const before = calls
    const socket = connect(Number(new URL(shop.url).port), '127.0.0.1')
    socket.write('POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name":"half')
    expect((await shop.send('GET', '/things/1')).status).toBe(200)
    socket.destroy()
    expect((await shop.send('GET', '/things/1')).status).toBe(200)
    expect(calls).toBe(before)
  })
})

test('a gateway that stops answers what is under way and takes nothing new', async () => {
  const other = await startHttpShop([], [shelf])
  const waiting = other.send('GET', '/slow')
  await until('the slow call runs', () => (other.broker.getLocalService('gateway') as unknown as { working: number }).working === 1)
  const stopping = other.stop()
  await until('no new connection is taken', () => fetch(`${other.url}/healthz`).then(() => false, () => true))
  release()
  const r = await waiting
  expect([r.status, r.body, r.headers.get('connection')]).toEqual([200, { slow: true }, 'close'])
  await stopping
})
