import type { Batcher } from '../../mixins/batch/batcher.ts'
import type { OpenKeys } from '../../mixins/keys/keys.ts'
import type { Database } from '../../mixins/postgres/database.ts'
import { valueTag } from '../../mixins/primitives/etag.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import type { ServiceThis } from '../../mixins/runtime/service.ts'
import type { Attempts } from './attempts.ts'
import type { Address } from './auth.contract.ts'
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
  addresses: Batcher<string, { personId: string; address: Address } | null>
}>

export const now = (): string => new Date().toISOString()

/** Throws `version-conflict` unless `value` is what the caller saw: its tag, as the gateway sent it; no tag asks for nothing. */
export function checkTag(ifMatch: string | undefined, value: unknown): void {
  if (ifMatch !== undefined && ifMatch !== valueTag(value)) throw problem('version-conflict', 'This has changed since it was read: read it again.')
}

export const noSuchPerson = (): Error => problem('not-found', 'There is no such person.')

/** A person as last committed; throws `not-found`. */
export async function personOf(worker: AuthWorker, id: string): Promise<Person> {
  const person = await worker.persons.add(id)
  if (!person) throw noSuchPerson()
  return person
}
