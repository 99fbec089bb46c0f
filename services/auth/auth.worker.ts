import { signGrant } from '../../mixins/access/grants.ts'
import { Batcher } from '../../mixins/batch/batcher.ts'
import { idempotently, sweepIdempotency } from '../../mixins/idempotency/idempotency.ts'
import { withKeys } from '../../mixins/keys/keys.ts'
import { periodic } from '../../mixins/periodic/periodic.ts'
import { serviceDatabase } from '../../mixins/postgres/service-database.ts'
import { newId } from '../../mixins/primitives/ids.ts'
import { decodeCursor, PAGE_LIMIT, pageOf } from '../../mixins/primitives/page.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { service, workerAction } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import { changePassword, login, register, seedAccounts, updateProfile } from './account.ts'
import { addressesById, deleteAddress, insertAddress, listAddresses, lockAddress, updateAddress } from './address.store.ts'
import { listApiKeys } from './api-key.store.ts'
import { addApiKey, dropApiKey, publishApiKey, toApiKey } from './api-keys.ts'
import { Attempts } from './attempts.ts'
import { authActions } from './auth.contract.ts'
import { Passwords } from './passwords.ts'
import { hasDemoAccounts, listPersons, lockPerson, personsById, setSubscription, toUser } from './person.store.ts'
import { Proofs, PROOF_SECONDS } from './proofs.ts'
import { proveIdentity, removeTotp, startTotp, verifyTotp } from './prove-identity.ts'
import { changeRoles } from './roles.ts'
import { listSessions, sweepSessions } from './session.store.ts'
import { closeSession, refreshSession, sweepCartMerges } from './sign-in.ts'
import { checkTag, noSuchAddress, ownAddress, personOf, type AuthWorker } from './worker-state.ts'

const ADDRESSES_MAX = 100
const SWEEP_MS = 10 * 60_000
const SWEEP_ROWS = 1_000
const MERGE_MS = 5_000
const READS = { max: 256, inFlight: 2, maxWaiting: 10_000, full: () => problem('overloaded', 'Too much to do at the moment: try again shortly.', { retryAfter: 1 }) }


/** Where a list continues: after the item whose sort key the cursor holds. */
const after = (cursor: string | undefined): string | null => (decodeCursor(cursor, 1)?.[0] as string | undefined) ?? null

/**
 * Who people are: accounts, sessions, proofs of identity, addresses, API keys. It keeps: one account per address; a session is one
 * family of refresh tokens, of which one is good at a time; what has ended is dead on every node before the end is answered; a
 * proof serves one holder, once; secrets are stored as hashes, digests or sealed, never as they are.
 */
export default service({
  name: 'auth.worker',

  mixins: [
    periodic('cart merges', MERGE_MS, function (this: AuthWorker) {
      return sweepCartMerges(this)
    }),
    periodic('sweep', SWEEP_MS, async function (this: AuthWorker) {
      await sweepIdempotency(this.db)
      return sweepSessions(this.db, SWEEP_ROWS)
    }),
    withKeys(),
    serviceDatabase('auth')
  ],

  actions: {
    register: workerAction(authActions['auth.worker.register'], {
      handler(this: AuthWorker, ctx) {
        const { client, ...account } = ctx.params
        return register(this, account, client)
      }
    }),

    login: workerAction(authActions['auth.worker.login'], {
      handler(this: AuthWorker, ctx) {
        return login(this, ctx.params.email, ctx.params.password, ctx.params.client)
      }
    }),

    refresh: workerAction(authActions['auth.worker.refresh'], {
      handler(this: AuthWorker, ctx) {
        return refreshSession(this, ctx.params.refreshToken, ctx.params.client)
      }
    }),

    confirm: workerAction(authActions['auth.worker.confirm'], {
      async handler(this: AuthWorker, ctx) {
        const { userId, sessionId, method, secret, purpose } = ctx.params
        await proveIdentity(this, userId, method, secret)
        return { confirmation: await this.proofs.make({ person_id: userId, session_id: sessionId, purpose }), expiresIn: PROOF_SECONDS }
      }
    }),

    startTotp: workerAction(authActions['auth.worker.startTotp'], {
      handler(this: AuthWorker, ctx) {
        return startTotp(this, ctx.params.userId)
      }
    }),

    verifyTotp: workerAction(authActions['auth.worker.verifyTotp'], {
      async handler(this: AuthWorker, ctx) {
        await verifyTotp(this, ctx.params.userId, ctx.params.code)
        return null
      }
    }),

    removeTotp: workerAction(authActions['auth.worker.removeTotp'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        await removeTotp(this, ctx.params.userId)
        return null
      }
    }),

    user: workerAction(authActions['auth.worker.user'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        return toUser(await personOf(this, ctx.params.userId))
      }
    }),

    users: workerAction(authActions['auth.worker.users'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        const { q = '', limit = PAGE_LIMIT.default, cursor } = ctx.params
        return pageOf(await listPersons(this.db, q, after(cursor), limit + 1), limit, toUser, (person) => [person.email_key])
      }
    }),

    updateUser: workerAction(authActions['auth.worker.updateUser'], {
      handler(this: AuthWorker, ctx) {
        const { userId, ...change } = ctx.params
        return updateProfile(this, userId, change)
      }
    }),

    changePassword: workerAction(authActions['auth.worker.changePassword'], {
      async handler(this: AuthWorker, ctx) {
        const { userId, sessionId, currentPassword, newPassword } = ctx.params
        await changePassword(this, userId, sessionId, currentPassword, newPassword)
        return null
      }
    }),

    addresses: workerAction(authActions['auth.worker.addresses'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        const { userId, limit = PAGE_LIMIT.default, cursor } = ctx.params
        return pageOf(await listAddresses(this.db, userId, after(cursor), limit + 1), limit, (address) => address, ({ id }) => [id])
      }
    }),

    address: workerAction(authActions['auth.worker.address'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        return (await ownAddress(this, ctx.params)).address
      }
    }),

    buyer: workerAction(authActions['auth.worker.buyer'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        const { address, subscription } = await ownAddress(this, ctx.params)
        return { address, subscription }
      }
    }),

    addAddress: workerAction(authActions['auth.worker.addAddress'], {
      handler(this: AuthWorker, ctx) {
        const { userId, address } = ctx.params
        return idempotently(ctx, this.db, 201, async (tx) => {
          await lockPerson(tx, userId)
          const added = await insertAddress(tx, newId(), userId, address, ADDRESSES_MAX)
          if (!added) throw problem('conflict', `A person has ${ADDRESSES_MAX} addresses at most: remove one first.`)
          return added
        })
      }
    }),

    setAddress: workerAction(authActions['auth.worker.setAddress'], {
      async handler(this: AuthWorker, ctx) {
        const { userId, addressId, address, ifMatch } = ctx.params
        return this.db.tx(async (tx) => {
          const old = await lockAddress(tx, addressId, userId)
          if (!old) throw noSuchAddress()
          checkTag(ifMatch, old)
          return (await updateAddress(tx, addressId, userId, address))!
        })
      }
    }),

    removeAddress: workerAction(authActions['auth.worker.removeAddress'], {
      async handler(this: AuthWorker, ctx) {
        if (!(await deleteAddress(this.db, ctx.params.addressId, ctx.params.userId))) throw noSuchAddress()
        return null
      }
    }),

    sessions: workerAction(authActions['auth.worker.sessions'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        const { userId, sessionId, limit = PAGE_LIMIT.default, cursor } = ctx.params
        return pageOf(
          await listSessions(this.db, userId, after(cursor), limit + 1),
          limit,
          (s) => ({ id: s.id, createdAt: s.created_at, lastUsedAt: s.last_used_at, address: s.address, userAgent: s.user_agent, current: s.id === sessionId }),
          ({ id }) => [id]
        )
      }
    }),

    endSession: workerAction(authActions['auth.worker.endSession'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        await closeSession(this, ctx.params.userId, ctx.params.sessionId)
        return null
      }
    }),

    apiKeys: workerAction(authActions['auth.worker.apiKeys'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        const { userId, limit = PAGE_LIMIT.default, cursor } = ctx.params
        return pageOf(await listApiKeys(this.db, userId, after(cursor), limit + 1), limit, toApiKey, ({ id }) => [id])
      }
    }),

    addApiKey: workerAction(authActions['auth.worker.addApiKey'], {
      handler(this: AuthWorker, ctx) {
        return addApiKey(this, ctx, ctx.params.userId, ctx.params.name)
      }
    }),

    removeApiKey: workerAction(authActions['auth.worker.removeApiKey'], {
      async handler(this: AuthWorker, ctx) {
        await dropApiKey(this, ctx.params.userId, ctx.params.keyId)
        return null
      }
    }),

    apiKey: workerAction(authActions['auth.worker.apiKey'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        return { found: await publishApiKey(this, ctx.params.digest) }
      }
    }),

    setRoles: workerAction(authActions['auth.worker.setRoles'], {
      retrySafe: true,
      handler(this: AuthWorker, ctx) {
        return changeRoles(this, ctx.params.userId, ctx.params.by, () => ctx.params.roles, ctx.params.ifMatch)
      }
    }),

    grantRole: workerAction(authActions['auth.worker.grantRole'], {
      retrySafe: true,
      handler(this: AuthWorker, ctx) {
        return changeRoles(this, ctx.params.userId, ctx.params.by, (roles) => [...roles, ctx.params.role])
      }
    }),

    holdProof: workerAction(authActions['auth.worker.holdProof'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        const { confirmation, userId, sessionId, purpose, holder, amount } = ctx.params
        const held = await this.proofs.hold(confirmation, { person_id: userId, session_id: sessionId, purpose, holder, ...amount })
        if (!held) throw problem('identity-confirmation-required', `Confirm who you are first: POST /auth/confirm with the purpose "${purpose}".`)
        return { grant: signGrant({ userId, holder, amount }) }
      }
    }),

    spendProof: workerAction(authActions['auth.worker.spendProof'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        await this.proofs.spend(ctx.params.holder)
        return null
      }
    }),

    freeProof: workerAction(authActions['auth.worker.freeProof'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        await this.proofs.free(ctx.params.holder)
        return null
      }
    }),

    setSubscription: workerAction(authActions['auth.worker.setSubscription'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        await setSubscription(this.db, ctx.params.userId, ctx.params.subscription, ctx.params.version)
        return null
      }
    }),

    seedAccounts: workerAction(authActions['auth.worker.seedAccounts'], {
      retrySafe: true,
      async handler(this: AuthWorker, ctx) {
        return { items: await seedAccounts(this, ctx.params.accounts) }
      }
    })
  },

  created(this: AuthWorker) {
    this.passwords = new Passwords()
    this.attempts = new Attempts(this.keys, setting('SOUK_LIMIT_SECRETS_PER_15_MINUTES'))
    this.proofs = new Proofs(this.db)
    this.persons = new Batcher(async (ids) => {
      const byId = new Map((await personsById(this.db, ids)).map((person) => [person.id, person]))
      return ids.map((id) => byId.get(id) ?? null)
    }, READS)
    this.addresses = new Batcher(async (ids) => {
      const byId = await addressesById(this.db, ids)
      return ids.map((id) => byId.get(id) ?? null)
    }, READS)
  },

  async started(this: AuthWorker) {
    if (!setting('SOUK_DEMO') && (await hasDemoAccounts(this.db))) {
      throw new Error('this database holds the demo accounts, whose password everybody knows: use another one, or delete those people, before running with SOUK_DEMO=0')
    }
  }
})
