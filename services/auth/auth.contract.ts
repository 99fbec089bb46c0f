import { actions, events, type ActionsOf, type EventsOf } from '../../mixins/runtime/calls.ts'
import { bool, id, int, list, moneyRule, nullable, object, oneOf, optional, pageQuery, pageRule, text, timestamp, type Infer } from '../../mixins/primitives/schema.ts'

export const PLANS = ['prime-monthly', 'prime-yearly'] as const
export const PROOF_PURPOSES = ['checkout', 'payment'] as const
const roleRule = oneOf(['shopper', 'seller', 'admin', 'carrier'], 'what a person may do; everyone is a shopper')

/** Mail addresses are compared lower-case; quoting and comments are not taken. */
const email = text({ min: 3, max: 254, trim: true, pattern: /^[^\s@<>"(),:;[\]\\]+@[^\s@<>"(),:;[\]\\]+\.[^\s@<>"(),:;[\]\\.]+$/, format: 'email' })
const newPassword = text({ min: 8, max: 128, description: '8 to 128 characters, not one of the common ones' })
/** A password or code that is only compared: its form says nothing about what is right. */
const secret = text({ max: 128 })
const personName = text({ max: 100, trim: true })
const token = text({ max: 2_000, description: 'opaque' })
const none = nullable(object({}))

export const subscriptionRule = object({
  id: id(),
  plan: oneOf(PLANS),
  status: oneOf(['active', 'grace', 'cancelled']),
  renewsAt: timestamp()
})
export type Subscription = Infer<typeof subscriptionRule>

export const userRule = object({ id: id(), email: text({ max: 254 }), name: text({ max: 100 }), roles: list(roleRule), subscription: nullable(subscriptionRule) })
export type User = Infer<typeof userRule>

const addressFields = {
  name: personName,
  line1: text({ max: 200, trim: true }),
  line2: optional(text({ max: 200, trim: true })),
  city: text({ max: 100, trim: true }),
  region: text({ max: 100, trim: true }),
  postalCode: text({ max: 20, trim: true }),
  country: text({ min: 2, max: 2, pattern: /^[A-Z]{2}$/, description: 'ISO 3166-1 alpha-2' }),
  phone: optional(text({ max: 32, pattern: /^[+\d][\d ().-]{3,30}$/ }))
}
export const addressRule = object({ id: id(), ...addressFields })
export type Address = Infer<typeof addressRule>

/** Where a session comes from, and how the browser or program wants its tokens. */
const clientRule = object({ address: text({ min: 0, max: 64 }), userAgent: text({ min: 0, max: 400 }), cart: optional(text({ max: 200, description: 'cart of the guest who signs in' })) })

const tokensRule = { accessToken: token, refreshToken: token, expiresIn: int({ min: 1, description: 'seconds the access token lives' }) }
export const signedInRule = object({ user: userRule, ...tokensRule })
export type SignedIn = Infer<typeof signedInRule>

/** The answer over HTTP: with `Souk-Session: cookie` the tokens come as HttpOnly cookies, and only there. */
const publicSignedIn = object({ user: userRule, accessToken: optional(token), refreshToken: optional(token), expiresIn: tokensRule.expiresIn })

const confirmationRule = object({ confirmation: token, expiresIn: int({ min: 1, description: 'seconds' }) })
const totpRule = object({ secret: text({ max: 64, description: 'base32, shown once' }), uri: text({ max: 500, description: 'otpauth URI, for a QR code' }) })
const sessionRule = object({ id: id(), createdAt: timestamp(), lastUsedAt: timestamp(), address: text({ min: 0, max: 64 }), userAgent: text({ min: 0, max: 400 }), current: bool() })
const apiKeyFields = { id: id(), name: text({ max: 100 }), createdAt: timestamp(), lastUsedAt: nullable(timestamp()) }
const confirmFields = { method: oneOf(['password', 'totp']), secret, purpose: oneOf(PROOF_PURPOSES) }
const proofPurpose = oneOf(PROOF_PURPOSES)
/** The order, payment or subscription that a proof is held for. */
const holder = text({ max: 120 })
/** Entity tag of what is being changed: `version-conflict` when it has changed since. */
const ifMatch = optional(text({ max: 100 }))
const profileFields = { name: optional(personName), email: optional(email), password: optional(secret) }

export const authActions = actions({
  'auth.register': { params: { email, password: newPassword, name: personName }, returns: publicSignedIn },
  'auth.login': { params: { email: text({ max: 254, trim: true }), password: secret }, returns: publicSignedIn },
  'auth.refresh': { params: { refreshToken: optional(text({ max: 500, description: 'unless it comes as a cookie' })) }, returns: publicSignedIn },
  'auth.logout': { params: {}, returns: none },
  'auth.confirm': { params: confirmFields, returns: confirmationRule },
  'auth.startTotp': { params: {}, returns: totpRule },
  'auth.verifyTotp': { params: { code: secret }, returns: none },
  'auth.removeTotp': { params: {}, returns: none },
  'auth.me': { params: {}, returns: userRule },
  'auth.updateMe': { params: profileFields, returns: userRule },
  'auth.changePassword': { params: { currentPassword: secret, newPassword }, returns: none },
  'auth.addresses': { params: pageQuery, returns: pageRule(addressRule) },
  'auth.addAddress': { params: addressFields, returns: addressRule },
  'auth.address': { params: { id: id() }, returns: addressRule },
  'auth.setAddress': { params: { id: id(), ...addressFields }, returns: addressRule },
  'auth.removeAddress': { params: { id: id() }, returns: none },
  'auth.sessions': { params: pageQuery, returns: pageRule(sessionRule) },
  'auth.endSession': { params: { id: id() }, returns: none },
  'auth.apiKeys': { params: pageQuery, returns: pageRule(object(apiKeyFields)) },
  'auth.addApiKey': { params: { name: personName }, returns: object({ ...apiKeyFields, key: text({ max: 200, description: 'shown once; sent as the header Souk-Key' }) }) },
  'auth.removeApiKey': { params: { id: id() }, returns: none },
  'auth.users': { params: { q: optional(text({ max: 254, description: 'start of the e-mail address' })), ...pageQuery }, returns: pageRule(userRule) },
  'auth.setRoles': { params: { id: id(), roles: list(roleRule, { min: 1, max: 4 }) }, returns: userRule },

  'auth.worker.register': { params: { email, password: newPassword, name: personName, client: clientRule }, returns: signedInRule },
  'auth.worker.login': { params: { email: text({ max: 254 }), password: secret, client: clientRule }, returns: signedInRule },
  'auth.worker.refresh': { params: { refreshToken: text({ max: 500 }), client: clientRule }, returns: signedInRule },
  'auth.worker.confirm': { params: { userId: id(), sessionId: id(), ...confirmFields }, returns: confirmationRule },
  'auth.worker.startTotp': { params: { userId: id() }, returns: totpRule },
  'auth.worker.verifyTotp': { params: { userId: id(), code: secret }, returns: none },
  'auth.worker.removeTotp': { params: { userId: id() }, returns: none },
  /** A person; 404 when there is none. */
  'auth.worker.user': { params: { userId: id() }, returns: userRule },
  'auth.worker.users': { params: { q: optional(text({ max: 254 })), ...pageQuery }, returns: pageRule(userRule) },
  'auth.worker.updateUser': { params: { userId: id(), ...profileFields, ifMatch }, returns: userRule },
  'auth.worker.changePassword': { params: { userId: id(), sessionId: id(), currentPassword: secret, newPassword }, returns: none },
  'auth.worker.addresses': { params: { userId: id(), ...pageQuery }, returns: pageRule(addressRule) },
  /** One of the person's own addresses; 404 for anyone else's. */
  'auth.worker.address': { params: { userId: id(), addressId: id() }, returns: addressRule },
  /** What a purchase needs to know of its buyer: the address it goes to (404 for anyone else's), and what Prime they have. */
  'auth.worker.buyer': { params: { userId: id(), addressId: id() }, returns: object({ address: addressRule, subscription: nullable(subscriptionRule) }) },
  'auth.worker.addAddress': { params: { userId: id(), address: object(addressFields) }, returns: addressRule },
  'auth.worker.setAddress': { params: { userId: id(), addressId: id(), address: object(addressFields), ifMatch }, returns: addressRule },
  'auth.worker.removeAddress': { params: { userId: id(), addressId: id() }, returns: none },
  'auth.worker.sessions': { params: { userId: id(), sessionId: id(), ...pageQuery }, returns: pageRule(sessionRule) },
  /** Ends one session everywhere at once, its access tokens included; 404 when it is not the person's. */
  'auth.worker.endSession': { params: { userId: id(), sessionId: id() }, returns: none },
  'auth.worker.apiKeys': { params: { userId: id(), ...pageQuery }, returns: pageRule(object(apiKeyFields)) },
  'auth.worker.addApiKey': { params: { userId: id(), name: personName }, returns: object({ ...apiKeyFields, key: text({ max: 200 }) }) },
  'auth.worker.removeApiKey': { params: { userId: id(), keyId: id() }, returns: none },
  /** Publishes the session entry of a living API key, for the access middleware; `digest` is that of the whole key. */
  'auth.worker.apiKey': { params: { digest: text({ max: 100 }) }, returns: object({ found: bool() }) },
  'auth.worker.setRoles': { params: { userId: id(), roles: list(roleRule, { min: 1, max: 4 }), by: id(), ifMatch }, returns: userRule },
  /** Gives a person one more role, at once in all sessions; nothing when they have it. For a seller who was taken on. */
  'auth.worker.grantRole': { params: { userId: id(), role: roleRule, by: id() }, returns: userRule },
  /**
   * Holds a confirmation for one holder, which no other can take then, and answers a grant for mixins/access `verifyGrant`.
   * 403 `identity-confirmation-required` when it is missing, wrong, expired, used, held by another or for another purpose.
   * Idempotent by holder: asked again it answers a fresh grant, also when the confirmation has expired since.
   */
  'auth.worker.holdProof': { params: { confirmation: optional(text({ max: 200 })), userId: id(), sessionId: id(), purpose: proofPurpose, holder, amount: moneyRule }, returns: object({ grant: token }) },
  /** The holder's proof is used up. Idempotent, never refuses. */
  'auth.worker.spendProof': { params: { holder }, returns: none },
  /** The holder was refused: its proof may serve another, while it is valid. Idempotent, never refuses; a spent proof stays spent. */
  'auth.worker.freeProof': { params: { holder }, returns: none },
  /** Sets what Prime a person has; a version that is not newer than the last one is ignored. */
  'auth.worker.setSubscription': { params: { userId: id(), subscription: nullable(subscriptionRule), version: int({ min: 1 }) }, returns: none },
  /** Makes accounts that are not there yet, with these roles. For the demo marketplace. */
  'auth.worker.seedAccounts': {
    params: { accounts: list(object({ email, password: newPassword, name: personName, roles: list(roleRule, { min: 1, max: 4 }) }), { min: 1, max: 100 }) },
    returns: object({ items: list(object({ email, userId: id() })) })
  }
})

export const authEvents = events({
  user_registered: { body: object({ userId: id(), site: text({ max: 40 }), at: timestamp() }) },
  user_signed_in: { body: object({ userId: id(), sessionId: id(), address: text({ min: 0, max: 64 }), at: timestamp() }) },
  /** For the audit trail: what changed about who may sign in, and who changed it. */
  user_security_changed: {
    body: object({
      userId: id(),
      change: oneOf(['password', 'email', 'roles', 'totp_on', 'totp_off', 'session_ended', 'refresh_reused', 'api_key_added', 'api_key_removed']),
      by: id(),
      detail: nullable(text({ max: 200 })),
      at: timestamp()
    })
  }
})

declare module '../../mixins/runtime/calls.ts' {
  interface Actions extends ActionsOf<typeof authActions> {}
  interface Events extends EventsOf<typeof authEvents> {}
}
