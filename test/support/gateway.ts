import type { AddressInfo } from 'node:net'
import { startShop, type Shop } from './shop.ts'

/** What came back over HTTP. */
export interface Reply {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies freely
  body: any
  headers: Headers
}

export interface RequestOptions {
  body?: unknown
  token?: string | undefined
  headers?: Record<string, string>
}

/** A shop with a gateway on a free port. */
export interface HttpShop extends Shop {
  url: string
  /** One request below the base path, or of a whole path that begins with `!`. A body that is text or bytes goes as it is. */
  send: (method: string, path: string, options?: RequestOptions) => Promise<Reply>
}

/** Starts services with a gateway before them and waits until it is ready. */
export async function startHttpShop(services: readonly string[], extra: readonly object[] = []): Promise<HttpShop> {
  process.env['SOUK_PORT'] = '0'
  const shop = await startShop([...services, 'gateway'], extra)
  const gateway = shop.broker.getLocalService('gateway') as unknown as { server: { address(): AddressInfo }; discover(): void }
  gateway.discover()
  const url = `http://127.0.0.1:${gateway.server.address().port}`
  return {
    ...shop,
    url,
    async send(method, path, { body, token, headers = {} } = {}) {
      const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array || body instanceof FormData
      const sent = raw ? (body as string) : JSON.stringify(body)
      const type = body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }
      const res = await fetch(path.startsWith('!') ? url + path.slice(1) : `${url}/api/v1${path}`, {
        method,
        headers: { ...type, ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
        ...(sent === undefined ? {} : { body: sent })
      })
      const text = await res.text()
      return { status: res.status, headers: res.headers, body: text !== '' && /json/.test(res.headers.get('content-type') ?? '') ? JSON.parse(text) : text }
    }
  }
}
