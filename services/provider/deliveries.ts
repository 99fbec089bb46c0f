import { SIGNATURE_HEADER, sign } from '../../mixins/webhooks/signature.ts'
import type { ProviderStore } from './provider.store.ts'

/** Events of one POST: the merchant's bound. */
const BATCH = 500
const PATIENCE_MS = 10_000

/**
 * Sends webhooks that are due in one signed POST; answers whether more may be due. What is not acknowledged with a 2xx comes again
 * with growing pauses, also after a crash, and so does what was acknowledged just before one.
 */
export async function deliver(store: ProviderStore, url: string, secret: string): Promise<boolean> {
  const claimed = await store.claim(BATCH)
  if (claimed.length === 0) return false
  const acknowledged = await post(url, secret, JSON.stringify({ events: claimed.map((d) => d.event) }))
  if (acknowledged) await store.delivered(claimed.map((d) => d.id))
  return acknowledged && claimed.length === BATCH
}

async function post(url: string, secret: string, body: string): Promise<boolean> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: sign(secret, body) },
      body,
      signal: AbortSignal.timeout(PATIENCE_MS)
    })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false
  }
}
