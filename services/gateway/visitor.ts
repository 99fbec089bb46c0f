import type { IncomingMessage } from 'node:http'
import { passingId } from '../../mixins/primitives/ids.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { Auth, Credentials } from '../../mixins/runtime/service.ts'
import { accessCookie } from './cookies.ts'

const REQUEST_ID = /^[\w.:-]{8,64}$/

/** The n-th entry from the right of a list that proxies append to; what is further left anybody could have written. */
const hop = (header: string | string[] | undefined, proxies: number): string | undefined => {
  if (proxies === 0 || typeof header !== 'string') return undefined
  const hops = header.split(',')
  return hops[Math.max(0, hops.length - proxies)]!.trim() || undefined
}

/** The client's address: the socket's, or the one that the outermost of our own `proxies` saw. */
export const addressOf = (req: IncomingMessage, proxies: number): string => (hop(req.headers['x-forwarded-for'], proxies) ?? req.socket.remoteAddress ?? '').slice(0, 64)

/** True when the client spoke TLS, to us or to the outermost of our own proxies. */
export const isSecure = (req: IncomingMessage, proxies: number): boolean => 'encrypted' in req.socket || hop(req.headers['x-forwarded-proto'], proxies) === 'https'

/** The request's id: a well-formed one that the client or a proxy gave it, so that their logs and ours meet, or a new one. */
export function requestIdOf(req: IncomingMessage): string {
  const id = req.headers['x-request-id']
  return typeof id === 'string' && REQUEST_ID.test(id) ? id : passingId()
}

const header = (req: IncomingMessage, name: string): string | undefined => {
  const value = req.headers[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** What the request presents. Another scheme than Bearer is a token nobody signed; a header wins over a cookie. */
export function credentialsOf(req: IncomingMessage, auth: Auth, signsOut: boolean): Credentials | undefined {
  const authorization = header(req, 'authorization')
  const apiKey = header(req, 'souk-key')
  const cart = header(req, 'souk-cart')
  const token = authorization === undefined ? (apiKey === undefined ? accessCookie(req, auth === 'open' && !signsOut) : undefined) : authorization.replace(/^bearer +/i, '')
  if (token === undefined && apiKey === undefined && cart === undefined) return undefined
  return { ...(token === undefined ? {} : { token }), ...(apiKey === undefined ? {} : { apiKey }), ...(cart === undefined ? {} : { cart }) }
}

/** The entity tag of If-Match, unquoted; undefined for none and for `*`. Throws `bad-request` for what is no single tag. */
export function ifMatchOf(req: IncomingMessage): string | undefined {
  const value = header(req, 'if-match')?.trim()
  if (value === undefined || value === '*') return undefined
  const tag = /^(?:W\/)?"([^"]*)"$/.exec(value)?.[1]
  if (tag === undefined) throw problem('bad-request', 'If-Match wants one entity tag in quotes, as ETag gave it.')
  return tag
}
