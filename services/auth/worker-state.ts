import type { Batcher } from '../../mixins/batch/batcher.ts'
import type { OpenKeys } from '../../mixins/keys/keys.ts'
import type { Database } from '../../mixins/postgres/database.ts'
import { valueTag } from '../../mixins/primitives/etag.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { ServiceThis } from '../../mixins/runtime/service.ts'
import type { Attempts } from './attempts.ts'
import type { OwnedAddress } from './address.store.ts'
import type { Passwords } from './passwords.ts'
import type { Person } from './person.store.ts'
import type { Proofs } from './proofs.ts'

/** What the worker keeps on `this`. */
export type AuthWorker = ServiceThis<{
  db: Database
  keys: OpenKeys
  passwords: Passwords
  attempts: Attempts
  proofs: Proofs
  /** Reads that wait together go as one. */
  persons: Batcher<string, Person | null>
  addresses: Batcher<string, OwnedAddress | null>
}>

export const now = (): string => new Date().toISOString()

/** Throws `version-conflict` unless `value` is what the caller saw: its tag, as the gateway sent it; no tag asks for nothing. */
export function checkTag(ifMatch: string | undefined, value: unknown): void {
  if (ifMatch !== undefined && ifMatch !== valueTag(value)) throw problem('version-conflict', 'This has changed since it was read: read it again.')
}

export const noSuchAddress = (): Error => problem('not-found', 'There is no such address.')

export const noSuchPerson = (): Error => problem('not-found', 'There is no such person.')

/** A person as last committed; throws `not-found`. */
export async function personOf(worker: AuthWorker, id: string): Promise<Person> {
  const person = await worker.persons.add(id)
  if (!person) throw noSuchPerson()
  return person
}

/** One of the person's own addresses; throws `not-found`. */
export async function ownAddress(worker: AuthWorker, { userId, addressId }: { userId: string; addressId: string }): Promise<OwnedAddress> {
  const found = await worker.addresses.add(addressId)
  if (found?.personId !== userId) throw noSuchAddress()
  return found
}
