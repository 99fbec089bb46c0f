import { limitKeyOf } from '../../mixins/access/address.ts'
import { withKeys, type OpenKeys } from '../../mixins/keys/keys.ts'
import { problem } from '../../mixins/primitives/problem.ts'
import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service, type Ctx, type ServiceThis } from '../../mixins/runtime/service.ts'
import { setting } from '../../mixins/settings/settings.ts'
import { authActions } from './auth.contract.ts'

type AuthFace = ServiceThis<{ keys: OpenKeys }>

/** The signed-in caller: the access middleware let nobody else through. */
function user(ctx: Ctx): { userId: string; sessionId: string } {
  const { caller } = ctx.meta
  if (caller?.kind !== 'user') throw problem('token-expired', 'Sign in first.')
  return caller
}

const isApiKey = (sessionId: string): boolean => sessionId.startsWith('key.')

/** The same for what a program may not do with its key: manage how the person signs in. */
function person(ctx: Ctx): { userId: string; sessionId: string } {
  const caller = user(ctx)
  if (isApiKey(caller.sessionId)) throw problem('forbidden', 'An API key may not do this: sign in.')
  return caller
}

const ifMatch = ({ meta }: Ctx): { ifMatch?: string } => (meta.ifMatch === undefined ? {} : { ifMatch: meta.ifMatch })

const clientOf = ({ meta }: Ctx, withCart: boolean) => ({
  address: meta.address ?? '',
  userAgent: meta.userAgent ?? '',
  ...(withCart && meta.guestCart ? { cart: meta.guestCart } : {})
})

/** Counts a registration or login of this address, from loopback too; throws `rate-limited` above the limit. */
async function limitSignIn(face: AuthFace, { meta }: Ctx): Promise<void> {
  const limit = setting('SOUK_LIMIT_AUTH_PER_MINUTE')
  if (limit === 0) return
  const { allowed, resetMs } = await face.keys.hit(`sign-in:${limitKeyOf(meta.address ?? '')}`, 60_000, limit)
  if (!allowed) throw problem('rate-limited', 'Too many registrations and logins from this address.', { retryAfter: Math.ceil(resetMs / 1_000) })
}

/** Accounts and sessions over HTTP. It keeps nothing; people's own objects are found by their own id alone, so others' are 404. */
export default service({
  name: 'auth',
  dependencies: ['auth.worker'],
  mixins: [withKeys()],

  actions: {
    register: publicAction(
      authActions['auth.register'],
      { rest: 'POST /auth/register', auth: 'open', summary: 'Make an account and sign in', status: 201, cookies: 'sign-in', problems: ['email-taken'] },
      async function (this: AuthFace, ctx) {
        await limitSignIn(this, ctx)
        return call(ctx, 'auth.worker.register', { ...ctx.params, client: clientOf(ctx, true) })
      }
    ),

    login: publicAction(
      authActions['auth.login'],
      { rest: 'POST /auth/login', auth: 'open', summary: 'Sign in', cookies: 'sign-in', problems: ['invalid-credentials'] },
      async function (this: AuthFace, ctx) {
        await limitSignIn(this, ctx)
        return call(ctx, 'auth.worker.login', { ...ctx.params, client: clientOf(ctx, true) })
      }
    ),

    refresh: publicAction(
      authActions['auth.refresh'],
      { rest: 'POST /auth/refresh', auth: 'open', summary: 'Take the successor of a refresh token, with a new access token', cookies: 'sign-in', problems: ['token-expired', 'forbidden'] },
      async (ctx) => {
        const { refreshToken } = ctx.params
        if (refreshToken === undefined) throw problem('token-expired', 'There is no refresh token: sign in.')
        return call(ctx, 'auth.worker.refresh', { refreshToken, client: clientOf(ctx, false) })
      }
    ),

    logout: publicAction(
      authActions['auth.logout'],
      { rest: 'POST /auth/logout', auth: 'open', summary: 'End this session at once; nothing without one', status: 204, cookies: 'sign-out', problems: ['forbidden'] },
      async (ctx) => {
        const { caller } = ctx.meta
        if (caller?.kind === 'user' && !isApiKey(caller.sessionId)) await call(ctx, 'auth.worker.endSession', { userId: caller.userId, sessionId: caller.sessionId })
        return null
      }
    ),

    confirm: publicAction(
      authActions['auth.confirm'],
      { rest: 'POST /auth/confirm', auth: 'user', summary: 'Prove who you are, for one purchase within five minutes', problems: ['invalid-credentials'] },
      (ctx) => {
        const { userId, sessionId } = user(ctx)
        return call(ctx, 'auth.worker.confirm', { ...ctx.params, userId, sessionId })
      }
    ),

    startTotp: publicAction(authActions['auth.startTotp'], { rest: 'POST /me/totp', auth: 'user', summary: 'Begin with an authenticator app; its secret is shown once', problems: ['forbidden'] }, (ctx) =>
      call(ctx, 'auth.worker.startTotp', { userId: person(ctx).userId })
    ),

    verifyTotp: publicAction(
      authActions['auth.verifyTotp'],
      { rest: 'POST /me/totp/verify', auth: 'user', summary: 'Use the authenticator from now on, by giving one of its codes', status: 204, problems: ['invalid-credentials', 'invalid-transition', 'forbidden'] },
      (ctx) => call(ctx, 'auth.worker.verifyTotp', { userId: person(ctx).userId, code: ctx.params.code })
    ),

    removeTotp: publicAction(authActions['auth.removeTotp'], { rest: 'DELETE /me/totp', auth: 'user', summary: 'Do without the authenticator', status: 204, problems: ['forbidden'] }, (ctx) =>
      call(ctx, 'auth.worker.removeTotp', { userId: person(ctx).userId })
    ),

    me: publicAction(authActions['auth.me'], { rest: 'GET /me', auth: 'user', summary: 'Who I am' }, (ctx) => call(ctx, 'auth.worker.user', { userId: user(ctx).userId })),

    updateMe: publicAction(
      authActions['auth.updateMe'],
      { rest: 'PATCH /me', auth: 'user', summary: 'Change name or e-mail address; the latter needs the password', problems: ['email-taken', 'invalid-credentials', 'version-conflict', 'forbidden'] },
      (ctx) => call(ctx, 'auth.worker.updateUser', { ...ctx.params, userId: person(ctx).userId, ...ifMatch(ctx) })
    ),

    changePassword: publicAction(
      authActions['auth.changePassword'],
      { rest: 'PUT /me/password', auth: 'user', summary: 'Change the password; every other session ends at once', status: 204, problems: ['invalid-credentials', 'forbidden'] },
      (ctx) => call(ctx, 'auth.worker.changePassword', { ...ctx.params, ...ids(person(ctx)) })
    ),

    addresses: publicAction(authActions['auth.addresses'], { rest: 'GET /me/addresses', auth: 'user', summary: 'My addresses, oldest first' }, (ctx) =>
      call(ctx, 'auth.worker.addresses', { ...ctx.params, userId: user(ctx).userId })
    ),

    addAddress: publicAction(
      authActions['auth.addAddress'],
      { rest: 'POST /me/addresses', auth: 'user', summary: 'Add an address', status: 201, idempotent: 'honoured', problems: ['conflict'] },
      (ctx) => call(ctx, 'auth.worker.addAddress', { userId: user(ctx).userId, address: ctx.params })
    ),

    address: publicAction(authActions['auth.address'], { rest: 'GET /me/addresses/{id}', auth: 'user', summary: 'One of my addresses' }, (ctx) =>
      call(ctx, 'auth.worker.address', { userId: user(ctx).userId, addressId: ctx.params.id })
    ),

    setAddress: publicAction(
      authActions['auth.setAddress'],
      { rest: 'PUT /me/addresses/{id}', auth: 'user', summary: 'Replace an address; orders keep the one they were placed with', problems: ['version-conflict'] },
      (ctx) => {
        const { id, ...address } = ctx.params
        return call(ctx, 'auth.worker.setAddress', { userId: user(ctx).userId, addressId: id, address, ...ifMatch(ctx) })
      }
    ),

    removeAddress: publicAction(authActions['auth.removeAddress'], { rest: 'DELETE /me/addresses/{id}', auth: 'user', summary: 'Remove an address', status: 204 }, (ctx) =>
      call(ctx, 'auth.worker.removeAddress', { userId: user(ctx).userId, addressId: ctx.params.id })
    ),

    sessions: publicAction(authActions['auth.sessions'], { rest: 'GET /me/sessions', auth: 'user', summary: 'Where I am signed in, newest first' }, (ctx) =>
      call(ctx, 'auth.worker.sessions', { ...ctx.params, ...ids(user(ctx)) })
    ),

    endSession: publicAction(authActions['auth.endSession'], { rest: 'DELETE /me/sessions/{id}', auth: 'user', summary: 'End a session everywhere at once', status: 204, problems: ['forbidden'] }, (ctx) =>
      call(ctx, 'auth.worker.endSession', { userId: person(ctx).userId, sessionId: ctx.params.id })
    ),

    apiKeys: publicAction(authActions['auth.apiKeys'], { rest: 'GET /me/api-keys', auth: 'user', summary: 'My API keys, without their secrets' }, (ctx) =>
      call(ctx, 'auth.worker.apiKeys', { ...ctx.params, userId: user(ctx).userId })
    ),

    addApiKey: publicAction(
      authActions['auth.addApiKey'],
      { rest: 'POST /me/api-keys', auth: 'user', summary: 'Make an API key, which is shown once', status: 201, idempotent: 'honoured', problems: ['conflict', 'forbidden'] },
      (ctx) => call(ctx, 'auth.worker.addApiKey', { userId: person(ctx).userId, name: ctx.params.name })
    ),

    removeApiKey: publicAction(authActions['auth.removeApiKey'], { rest: 'DELETE /me/api-keys/{id}', auth: 'user', summary: 'End an API key at once', status: 204, problems: ['forbidden'] }, (ctx) =>
      call(ctx, 'auth.worker.removeApiKey', { userId: person(ctx).userId, keyId: ctx.params.id })
    ),

    users: publicAction(authActions['auth.users'], { rest: 'GET /users', auth: ['admin'], summary: 'People, by the start of their e-mail address' }, (ctx) => call(ctx, 'auth.worker.users', ctx.params)),

    setRoles: publicAction(
      authActions['auth.setRoles'],
      { rest: 'PUT /users/{id}/roles', auth: ['admin'], summary: 'Set what a person may do; it holds at once in all their sessions', problems: ['version-conflict'] },
      (ctx) => call(ctx, 'auth.worker.setRoles', { userId: ctx.params.id, roles: ctx.params.roles, by: user(ctx).userId, ...ifMatch(ctx) })
    )
  }
})

/** What the worker wants of a caller, and no more of it. */
function ids({ userId, sessionId }: { userId: string; sessionId: string }): { userId: string; sessionId: string } {
  return { userId, sessionId }
}
