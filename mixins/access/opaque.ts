import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { opaqueSecret, opaqueSecrets } from './keys.ts'

// Tokens that we alone read. They carry a MAC instead of being stored: what a store loses or leaks cannot be used to make one.

/** MAC of a message under one purpose; 256 bits, base64url. */
const mac = (secret: Buffer, purpose: string, message: string): string => createHmac('sha256', secret).update(`${purpose}\0${message}`).digest('base64url')

const equal = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

/** A message with its MAC: only `readSigned` for the same purpose takes it. */
export const signed = (purpose: string, message: string): string => {
  const { kid, secret } = opaqueSecret()
  return `${message}.${kid}.${mac(secret, purpose, message)}`
}

/** The message of a token made by `signed` for the same purpose, under any of our keys; null for any other text. */
export function readSigned(purpose: string, token: string): string | null {
  const [signature, kid, ...rest] = token.split('.').reverse()
  const secret = opaqueSecrets().get(kid ?? '')
  const message = rest.reverse().join('.')
  return secret && signature && equal(signature, mac(secret, purpose, message)) ? message : null
}

/** The refresh token of a session's `generation`: it is always the same text, so a lost answer can be given again. */
export const refreshTokenOf = (sessionId: string, generation: number): string => signed('refresh', `${sessionId}.${generation}`)

/** What a refresh token says, or null when it is none of ours. Whether it is still good, the session knows. */
export function readRefreshToken(token: string): { sessionId: string; generation: number } | null {
  const [sessionId, generation] = readSigned('refresh', token)?.split('.') ?? []
  return sessionId && generation ? { sessionId, generation: Number(generation) } : null
}

/** The secret text of an API key: made of its id, so that a repeated request can show it again though only its digest is stored. */
export const apiKeyOf = (id: string): string => `souk_${signed('api-key', id)}`

/** What a browser page must send in `Souk-Csrf` with a cookie session's unsafe requests. */
export const csrfTokenOf = (sessionId: string): string => mac(opaqueSecret().secret, 'csrf', sessionId)

export const isCsrfTokenOf = (sessionId: string, token: string): boolean => [...opaqueSecrets().values()].some((secret) => equal(token, mac(secret, 'csrf', sessionId)))

const keyFor = (secret: Buffer, purpose: string): Buffer => createHmac('sha256', secret).update(`${purpose}\0encryption`).digest()

/** Encrypts a secret at rest (AES-256-GCM), bound to `owner`: moved to another row it cannot be opened. */
export function seal(purpose: string, owner: string, plain: Buffer): string {
  const { kid, secret } = opaqueSecret()
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyFor(secret, purpose), iv).setAAD(Buffer.from(owner))
  return [kid, Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url')].join('.')
}

/** Opens what `seal` closed. Throws when it was altered, belongs to another owner, or its key is gone from SOUK_JWT_KEY. */
export function unseal(purpose: string, owner: string, sealed: string): Buffer {
  const [kid, text] = sealed.split('.')
  const secret = opaqueSecrets().get(kid ?? '')
  if (!secret) throw new Error('the key that sealed this is not in SOUK_JWT_KEY any more')
  const bytes = Buffer.from(text ?? '', 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', keyFor(secret, purpose), bytes.subarray(0, 12)).setAAD(Buffer.from(owner))
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
}
