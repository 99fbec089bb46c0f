import { createHmac, timingSafeEqual } from 'node:crypto'
import { setting } from '../settings/settings.ts'

/** Header that signs a webhook, lower-case. */
export const SIGNATURE_HEADER = 'souk-signature'

/** How far the sender's clock may be off, and how long a delivery that somebody overheard is worth anything. */
const TOLERANCE_MS = 5 * 60_000

/** The secret shared with the payment provider. Throws one clear line when it is not set. */
export function webhookSecret(): string {
  const secret = setting('SOUK_WEBHOOK_SECRET')
  if (!secret) throw new Error('SOUK_WEBHOOK_SECRET is not set: start the node with npm start, which makes one in the data directory, or set it')
  return secret
}

const mac = (secret: string, seconds: string, body: string): Buffer => createHmac('sha256', secret).update(`${seconds}.${body}`).digest()

/** The header's value for a body sent `now`: HMAC-SHA-256 over `<seconds>.<body>`, as `t=<seconds>,v1=<hex>`. */
export function sign(secret: string, body: string, now: number = Date.now()): string {
  const seconds = String(Math.floor(now / 1_000))
  return `t=${seconds},v1=${mac(secret, seconds, body).toString('hex')}`
}

/** Whether a header signs exactly this body, not more than five minutes from `now`. Repetition within that time is the receiver's to bear. */
export function isSigned(secret: string, body: string, header: string, now: number = Date.now()): boolean {
  const [, seconds, hex] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header) ?? []
  if (!seconds || !hex || Math.abs(now - Number(seconds) * 1_000) > TOLERANCE_MS) return false
  return timingSafeEqual(mac(secret, seconds, body), Buffer.from(hex, 'hex'))
}
