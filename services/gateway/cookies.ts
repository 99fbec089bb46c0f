import type { IncomingMessage } from 'node:http'
import { csrfTokenOf, isCsrfTokenOf, readRefreshToken } from '../../mixins/access/opaque.ts'
import { REFRESH_SECONDS, sessionNamedBy } from '../../mixins/access/tokens.ts'
import { problem } from '../../mixins/primitives/problem.ts'

// Browser pages use the same API with the tokens in cookies that no script can read. They ask for it with `Souk-Session: cookie` when
// they sign in, and send the value of the readable cookie `souk_csrf` in the header `Souk-Csrf` with every unsafe request: another
// site can make a browser send cookies, but can neither read that one nor set the header.

export const ACCESS_COOKIE = 'souk_access'
export const REFRESH_COOKIE = 'souk_refresh'
export const CSRF_COOKIE = 'souk_csrf'
const API_PATH = '/api/v1'

export interface SessionTokens {
  accessToken: string
  refreshToken: string
  expiresIn: number
}

/** The value of one of our cookies. */
export function cookieOf(req: IncomingMessage, name: string): string | undefined {
  const header = req.headers.cookie
  if (!header?.includes(name)) return undefined
  for (const part of header.split(';')) {
    const at = part.indexOf('=')
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return undefined
}

/** True when a page of ours sent this request in the name of `sessionId`. */
const passesCsrf = (req: IncomingMessage, sessionId: string | null): boolean => {
  const header = req.headers['souk-csrf']
  return sessionId !== null && typeof header === 'string' && isCsrfTokenOf(sessionId, header)
}

const refused = (): Error => problem('forbidden', 'A request with cookies needs the header Souk-Csrf with the value of the cookie souk_csrf.')

const isSafe = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD'

/**
 * The access token of a cookie session. An unsafe request without its CSRF token is `forbidden`, or counts as signed out where
 * `lenient` (signing in must be possible with whatever cookies a browser still holds).
 */
export function accessCookie(req: IncomingMessage, lenient: boolean): string | undefined {
  const token = cookieOf(req, ACCESS_COOKIE)
  if (token === undefined || isSafe(req.method) || passesCsrf(req, sessionNamedBy(token))) return token
  if (lenient) return undefined
  throw refused()
}

/** The refresh token of a cookie session; `forbidden` without its CSRF token. */
export function refreshCookie(req: IncomingMessage): string | undefined {
  const token = cookieOf(req, REFRESH_COOKIE)
  if (token === undefined || passesCsrf(req, readRefreshToken(token)?.sessionId ?? null)) return token
  throw refused()
}

export const wantsCookies = (req: IncomingMessage): boolean => req.headers['souk-session'] === 'cookie'

const cookie = (name: string, value: string, path: string, maxAge: number, secure: boolean, readable = false): string =>
  `${name}=${value}; Path=${path}; Max-Age=${maxAge}; SameSite=Strict${readable ? '' : '; HttpOnly'}${secure ? '; Secure' : ''}`

export function signInCookies({ accessToken, refreshToken, expiresIn }: SessionTokens, secure: boolean): string[] {
  const csrf = csrfTokenOf(sessionNamedBy(accessToken) ?? '')
  return [
    cookie(ACCESS_COOKIE, accessToken, API_PATH, expiresIn, secure),
    cookie(REFRESH_COOKIE, refreshToken, `${API_PATH}/auth`, REFRESH_SECONDS, secure),
    cookie(CSRF_COOKIE, csrf, '/', REFRESH_SECONDS, secure, true)
  ]
}

export const signOutCookies = (secure: boolean): string[] => [
  cookie(ACCESS_COOKIE, '', API_PATH, 0, secure),
  cookie(REFRESH_COOKIE, '', `${API_PATH}/auth`, 0, secure),
  cookie(CSRF_COOKIE, '', '/', 0, secure, true)
]
