import { randomBytes } from 'node:crypto'
import { seal, unseal } from '../../mixins/access/opaque.ts'
import { counter } from '../../mixins/metrics/registry.ts'
import { wroteOutbox } from '../../mixins/outbox/hint.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { activateTotp, clearTotp, setTotpPending, takeTotpStep, type Person } from './person.store.ts'
import { securityEvent } from './sign-in.ts'
import { base32, stepOf, TOTP_SECRET_BYTES, totpUri } from './totp.ts'
import { personOf, type AuthWorker } from './worker-state.ts'

const confirmations = counter('souk_identity_confirmations_total', 'Attempts to prove who one is, by method and outcome')

const wrongSecret = (): Error => problem('invalid-credentials', 'The password or code is not right.')

/** Proves that the caller is the person, by the secret they chose to give; counts wrong ones. Throws `invalid-credentials`. */
export async function proveIdentity(worker: AuthWorker, userId: string, method: 'password' | 'totp', secret: string): Promise<void> {
  const person = await personOf(worker, userId)
  const right = await worker.attempts.on(`confirm:${userId}`, () => (method === 'password' ? worker.passwords.verify(secret, person.password_hash) : takeCode(worker, person, secret)))
  confirmations.with({ method, outcome: right ? 'right' : 'wrong' }).add()
  if (!right) throw wrongSecret()
}

/** Takes a code of the person's authenticator; each code once. */
async function takeCode(worker: AuthWorker, person: Person, code: string): Promise<boolean> {
  if (!person.totp_secret) return false
  const step = stepOf(unseal('totp', person.id, person.totp_secret), code)
  return step !== null && takeTotpStep(worker.db, person.id, step)
}

/** A new authenticator secret, shown once; it counts when a code of it was given. One that counts already does so until then. */
export async function startTotp(worker: AuthWorker, userId: string): Promise<{ secret: string; uri: string }> {
  const person = await personOf(worker, userId)
  const bytes = randomBytes(TOTP_SECRET_BYTES)
  await setTotpPending(worker.db, userId, seal('totp', userId, bytes))
  const secret = base32(bytes)
  return { secret, uri: totpUri(secret, person.email) }
}

/** Makes the pending authenticator count. Throws `invalid-credentials` for a wrong code, `invalid-transition` when none is pending. */
export async function verifyTotp(worker: AuthWorker, userId: string, code: string): Promise<void> {
  const { totp_pending: pending } = await personOf(worker, userId)
  if (!pending) throw problem('invalid-transition', 'No authenticator waits to be verified: start with POST /me/totp.')
  let step: number | null = null
  const right = await worker.attempts.on(`confirm:${userId}`, async () => (step = stepOf(unseal('totp', userId, pending), code)) !== null)
  if (!right) throw wrongSecret()
  await worker.db.tx(async (tx) => {
    if (!(await activateTotp(tx, userId, pending, step!))) throw problem('invalid-transition', 'Another authenticator was started meanwhile: verify that one.')
    await securityEvent(tx, userId, 'totp_on', userId, null)
  })
  wroteOutbox(worker.broker, 'auth')
}

export async function removeTotp(worker: AuthWorker, userId: string): Promise<void> {
  await worker.db.tx(async (tx) => {
    if (await clearTotp(tx, userId)) await securityEvent(tx, userId, 'totp_off', userId, null)
  })
  wroteOutbox(worker.broker, 'auth')
}
