import { makePeople } from '../bench/people.ts'
import { json, type Api } from './api.ts'
import type { MixContext } from './mix.ts'

const DEMO_ADMIN = { email: 'admin@souk.example', password: 'souk-demo-2026' }

/** The authorization of somebody who may edit everything: an administrator of ours, or the demo's where only its address is known. */
export async function editorOf({ api, inside }: MixContext): Promise<string> {
  if (inside) {
    const [person] = await makePeople(inside, 1, undefined, ['admin'])
    return person!.authorization
  }
  const answer = await api.ask({ kind: 'login', method: 'POST', path: '/auth/login', body: DEMO_ADMIN }, 200)
  return `Bearer ${String(json(answer)['accessToken'])}`
}

export interface Stock {
  onHand: number
  reserved: number
  available: number
}

/** Counts (`onHand`) or corrects (`delta`) the stock of an offer. */
export const setStock = async (api: Api, authorization: string, offerId: string, body: { onHand: number } | { delta: number }): Promise<Stock> =>
  json<Stock & Record<string, unknown>>(await api.ask({ kind: 'stock', method: 'PUT', path: `/offers/${offerId}/stock`, authorization, body }, 200))

export const stockOf = async (api: Api, authorization: string, offerId: string): Promise<Stock> => json<Stock & Record<string, unknown>>(await api.get('stock', `/offers/${offerId}/stock`, authorization))
